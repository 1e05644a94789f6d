package dev.entrepot.proxy.rules;

import dev.entrepot.cache.CacheRules;
import dev.entrepot.cache.CacheSettings;
import dev.entrepot.cache.DiskGroup;
import dev.entrepot.cache.DiskShares;
import dev.entrepot.oci.Repository;

/**
 * How rules divide the disk. Repositories with the share of one rule have it together; those with a priority only are a
 * group for each priority.
 *
 * @param rules the rules
 */
public record RuleDisk(CacheRules rules) implements DiskShares {
    @Override
    public DiskGroup of(Repository repository) {
        CacheSettings settings = rules.of(repository);
        int priority = settings.priority();
        if (settings.share().isPresent()) {
            String rule = settings.share().get().rule();
            String name = priority == 0 ? rule : rule + ", priority " + priority;
            return new DiskGroup(name, priority, settings.share().get().percent() / 100.0);
        }
        return priority == 0 ? DiskGroup.DEFAULT : new DiskGroup("priority " + priority, priority, 1);
    }
}
