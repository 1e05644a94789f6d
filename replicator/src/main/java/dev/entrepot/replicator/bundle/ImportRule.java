package dev.entrepot.replicator.bundle;

import dev.entrepot.config.LimitsConfig;
import dev.entrepot.config.NamePattern;
import dev.entrepot.config.PruneConfig;
import dev.entrepot.config.ReferrersConfig;
import dev.entrepot.config.ReplicationRuleConfig.OnConflict;
import dev.entrepot.config.TagSelectionConfig;
import dev.entrepot.replicator.ReplicationRule;
import dev.entrepot.replicator.SourceRegistry;
import java.util.List;

/** The rule that imports are run by: everything, to one target, whatever is there. */
final class ImportRule {
    private ImportRule() {}

    /** Where images go. */
    static ReplicationRule.Placement placement(ImportTarget target, ImportNames names) {
        return new ReplicationRule.Placement(target.registry(), names::repository, target.maxConcurrentRequests());
    }

    /** The rule. */
    static ReplicationRule of(
            String name, SourceRegistry source, ReplicationRule.Placement placement, ImportTarget target) {
        return new ReplicationRule(
                name,
                source,
                List.of(NamePattern.parse("**")),
                TagSelectionConfig.ALL,
                List.of(placement),
                List.of(),
                target.onSparseRefused(),
                ReferrersConfig.ALL,
                OnConflict.OVERWRITE,
                List.of(),
                PruneConfig.OFF,
                LimitsConfig.NONE,
                target.verify());
    }
}
