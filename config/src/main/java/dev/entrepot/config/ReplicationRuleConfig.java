package dev.entrepot.config;

import dev.entrepot.oci.Platform;
import dev.entrepot.oci.RegistryHost;
import java.util.List;
import java.util.Optional;

/**
 * A rule: these repositories, these tags, from there to these targets.
 *
 * @param name name of the rule, for the command line and the metrics
 * @param source the upstream to copy from
 * @param repositories the repositories to copy, at least one pattern
 * @param tags the tags to copy
 * @param targets where to copy to; without any the rule only says what to export
 * @param platforms the platforms to copy; all if empty
 * @param onSparseRefused what to do where a target refuses an index some of whose platforms are missing
 * @param referrers which referrers travel along
 * @param onConflict what to do where a tag at the target is at something else
 * @param immutable tags that are never looked at again once complete, nor are signatures that come after them
 * @param prune what to delete at the targets
 * @param schedule when to run; only when asked to without it
 * @param limits how fast to run
 * @param verify how to verify what was written
 */
public record ReplicationRuleConfig(
        String name,
        RegistryHost source,
        List<NamePattern> repositories,
        TagSelectionConfig tags,
        List<TargetConfig> targets,
        List<Platform> platforms,
        OnSparseRefused onSparseRefused,
        ReferrersConfig referrers,
        OnConflict onConflict,
        List<NamePattern> immutable,
        PruneConfig prune,
        Optional<ScheduleConfig> schedule,
        LimitsConfig limits,
        Verify verify) {
    /** What a name may be. */
    static final String NAME_ALLOWED = "1 to 63 lower-case letters, digits, . _ and -, starting with a letter or digit";
    /** The grammar of a name, for editors. */
    static final String NAME_GRAMMAR = "[a-z0-9][a-z0-9._-]{0,62}";

    /** Copies the lists and validates the name and that there is something to copy. */
    public ReplicationRuleConfig {
        checkName(name);
        repositories = List.copyOf(repositories);
        targets = List.copyOf(targets);
        platforms = List.copyOf(platforms);
        immutable = List.copyOf(immutable);
        Checks.notEmpty("repositories", repositories);
        if (targets.isEmpty() && schedule.isPresent()) {
            throw new InvalidValueException(
                    "schedule", "no schedule, because the rule has no targets: only entrepot export runs it");
        }
    }

    /**
     * A name, checked.
     *
     * @throws InvalidValueException if it is none
     */
    static String checkName(String name) {
        if (!name.matches(NAME_GRAMMAR)) {
            throw new InvalidValueException("", NAME_ALLOWED);
        }
        return name;
    }

    /** What to do where a target refuses an index some of whose platforms are missing. */
    public enum OnSparseRefused {
        /** The tag fails, with a message that says so. */
        FAIL,
        /** An index of only those platforms is written in its place, with another digest. */
        TRIM
    }

    /** What to do where a tag at the target is at something else than at the source. */
    public enum OnConflict {
        /** The tag is moved. */
        OVERWRITE,
        /** The tag is left where it is. */
        KEEP,
        /** The tag is left where it is, and the item fails. */
        FAIL,
        /** The tag is moved, and what it was at is kept under a backup tag. */
        BACKUP
    }

    /** How to verify what was written. */
    public enum Verify {
        /** By HEAD: digest and size. */
        HEAD,
        /** By reading it back. */
        DEEP
    }
}
