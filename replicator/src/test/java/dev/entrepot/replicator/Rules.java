package dev.entrepot.replicator;

import dev.entrepot.config.LimitsConfig;
import dev.entrepot.config.NamePattern;
import dev.entrepot.config.PruneConfig;
import dev.entrepot.config.ReferrersConfig;
import dev.entrepot.config.ReplicationRuleConfig.OnConflict;
import dev.entrepot.config.ReplicationRuleConfig.OnSparseRefused;
import dev.entrepot.config.ReplicationRuleConfig.Verify;
import dev.entrepot.config.TagSelectionConfig;
import dev.entrepot.oci.Platform;
import dev.entrepot.oci.RepositoryName;
import java.util.ArrayList;
import java.util.List;

/** Builds rules for tests: everything of the repository {@code app} with default behaviour, unless said otherwise. */
public final class Rules {
    public String name = "rule";
    public SourceRegistry source;
    public List<NamePattern> repositories = List.of(NamePattern.parse("app"));
    public TagSelectionConfig tags = TagSelectionConfig.ALL;
    public final List<ReplicationRule.Placement> targets = new ArrayList<>();
    public List<Platform> platforms = List.of();
    public OnSparseRefused onSparseRefused = OnSparseRefused.FAIL;
    public ReferrersConfig referrers = ReferrersConfig.ALL;
    public OnConflict onConflict = OnConflict.OVERWRITE;
    public List<NamePattern> immutable = List.of();
    public PruneConfig prune = PruneConfig.OFF;
    public LimitsConfig limits = LimitsConfig.NONE;
    public Verify verify = Verify.HEAD;

    public Rules(MemoryRegistry source) {
        this(source.asSource());
    }

    public Rules(SourceRegistry source) {
        this.source = source;
    }

    public Rules to(MemoryRegistry target) {
        return to(target.asTarget());
    }

    public Rules to(TargetRegistry target) {
        targets.add(new ReplicationRule.Placement(target, name -> new RepositoryName("mirror/" + name), 4));
        return this;
    }

    public ReplicationRule rule() {
        return new ReplicationRule(
                name,
                source,
                repositories,
                tags,
                targets,
                platforms,
                onSparseRefused,
                referrers,
                onConflict,
                immutable,
                prune,
                limits,
                verify);
    }
}
