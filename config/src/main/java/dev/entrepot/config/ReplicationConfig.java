package dev.entrepot.config;

import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * What is copied to other registries, and who is told.
 *
 * @param rules the rules, whose names differ
 * @param notifications events that come in and go out
 */
public record ReplicationConfig(List<ReplicationRuleConfig> rules, NotificationsConfig notifications) {
    /** Nothing is copied and nobody is told. */
    public static final ReplicationConfig NONE = new ReplicationConfig(List.of(), NotificationsConfig.NONE);

    /** Copies the list and validates that no two rules share a name. */
    public ReplicationConfig {
        rules = List.copyOf(rules);
        Set<String> names = new HashSet<>();
        for (ReplicationRuleConfig rule : rules) {
            if (!names.add(rule.name())) {
                throw new InvalidValueException("rules", "rules with different names");
            }
        }
    }
}
