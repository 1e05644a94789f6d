package dev.entrepot.config;

import dev.entrepot.config.TargetConfig.LayoutDestination;
import java.util.List;

/** Refuses layouts that share a folder with the cache ({@link DataFolder}), whoever says where that is. */
final class LayoutChecks {
    private final List<DataFolder> folders;
    private final Reading reading;

    /** With all folders that are the cache's. */
    LayoutChecks(List<DataFolder> folders, Reading reading) {
        this.folders = folders;
        this.reading = reading;
    }

    /** Records every layout of the rule that may not be where it is. */
    void check(ReplicationRuleConfig rule) {
        for (TargetConfig target : rule.targets()) {
            if (target.destination() instanceof LayoutDestination layout) {
                folders.stream()
                        .flatMap(folder -> folder.refusesLayout("the layout", layout.path()).stream())
                        .findFirst()
                        .ifPresent(problem -> reading.conflict(reading.pathOf(target), problem));
            }
        }
    }
}
