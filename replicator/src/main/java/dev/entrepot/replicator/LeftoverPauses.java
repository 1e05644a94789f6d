package dev.entrepot.replicator;

import dev.entrepot.config.PruneConfig;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.RepositoryName;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * What, at one target, of what a rule has left over is not looked at for some time. Nothing of a repository is where
 * none of it went, because the target refuses to delete it or to tell what a tag needs, nor anything where it is more
 * than the rule's share: what is left over grows then with each tag that moves, and reading all of it in each run would
 * find the same. Nor is one manifest that the target has and does not give. So that is done once in {@link #MEMORY}, by
 * each process, and once with each way in which the rule prunes. Of another rule nothing follows from that: it may go
 * there with other credentials, and one that runs more often would keep all others from ever being told. Safe for all
 * threads.
 */
final class LeftoverPauses {
    /** For how long. */
    static final Duration MEMORY = Duration.ofDays(1);

    // For how long what was refused comes after the rest: while some are locked, others get their turn.
    private static final Duration ORDER = MEMORY.multipliedBy(30);

    private final Time time;
    private final Map<Place, Pause> pauses = new ConcurrentHashMap<>();
    private final Map<Place, Instant> refused = new ConcurrentHashMap<>();

    // No repository stands for all, no digest for all that is left over there.
    private record Place(
            String rule, PruneConfig prune, Optional<RepositoryName> repository, Optional<Digest> manifest) {
        private static Place of(ReplicationRule rule) {
            return new Place(rule.name(), rule.prune(), Optional.empty(), Optional.empty());
        }

        private static Place of(ReplicationRule rule, RepositoryName repository) {
            return new Place(rule.name(), rule.prune(), Optional.of(repository), Optional.empty());
        }

        private static Place of(ReplicationRule rule, RepositoryName repository, Digest manifest) {
            return new Place(rule.name(), rule.prune(), Optional.of(repository), Optional.of(manifest));
        }
    }

    private record Pause(String reason, Optional<ManifestEdges> edges, Instant until) {}

    LeftoverPauses(Time time) {
        this.time = time;
    }

    /** The target refuses to delete what a rule has left over here, for this reason. */
    void refused(ReplicationRule rule, RepositoryName repository, String reason) {
        note(Place.of(rule, repository), reason + "; it is told to again", Optional.empty());
    }

    /** What tags need here cannot be found out, for this reason. */
    void unclear(ReplicationRule rule, RepositoryName repository, String reason) {
        note(Place.of(rule, repository), reason + "; it is looked at again", Optional.empty());
    }

    /** It is more than the rule's share of what it has there, as this reason says. */
    void tooMuch(ReplicationRule rule, String reason) {
        note(Place.of(rule), reason + "; it is counted again", Optional.empty());
    }

    /**
     * The target has this manifest and does not give it, for this reason.
     *
     * @param edges what it names, if that is known from elsewhere
     */
    void unreadable(
            ReplicationRule rule,
            RepositoryName repository,
            Digest manifest,
            String reason,
            Optional<ManifestEdges> edges) {
        note(Place.of(rule, repository, manifest), reason + "; it is read again", edges);
    }

    private void note(Place place, String reason, Optional<ManifestEdges> edges) {
        Instant now = time.clock().instant();
        pauses.values().removeIf(pause -> !now.isBefore(pause.until()));
        pauses.put(place, new Pause(reason, edges, now.plus(MEMORY)));
    }

    /** The target refused to delete these. */
    void refused(ReplicationRule rule, RepositoryName repository, Set<Digest> manifests) {
        Instant now = time.clock().instant();
        refused.values().removeIf(until -> !now.isBefore(until));
        manifests.forEach(manifest -> refused.put(Place.of(rule, repository, manifest), now.plus(ORDER)));
    }

    /** Whether it did so lately: then others are told to go before it. */
    boolean wasRefused(ReplicationRule rule, RepositoryName repository, Digest manifest) {
        return refused.containsKey(Place.of(rule, repository, manifest));
    }

    /** Why nothing that a rule has left over here is worth a request now, if so. */
    Optional<String> against(ReplicationRule rule, RepositoryName repository) {
        return pause(Place.of(rule, repository)).map(LeftoverPauses::reason);
    }

    /** As above, of all repositories. */
    Optional<String> against(ReplicationRule rule) {
        return pause(Place.of(rule)).map(LeftoverPauses::reason);
    }

    /** As above, of one manifest that could not be read. */
    Optional<String> against(ReplicationRule rule, RepositoryName repository, Digest manifest) {
        return pause(Place.of(rule, repository, manifest)).map(LeftoverPauses::reason);
    }

    /** What such a manifest names, as far as it was known from elsewhere. */
    Optional<ManifestEdges> edges(ReplicationRule rule, RepositoryName repository, Digest manifest) {
        return pause(Place.of(rule, repository, manifest)).flatMap(Pause::edges);
    }

    private Optional<Pause> pause(Place place) {
        Instant now = time.clock().instant();
        return Optional.ofNullable(pauses.get(place)).filter(pause -> now.isBefore(pause.until()));
    }

    private static String reason(Pause pause) {
        return pause.reason() + " by a run after " + pause.until() + ", or of another process";
    }
}
