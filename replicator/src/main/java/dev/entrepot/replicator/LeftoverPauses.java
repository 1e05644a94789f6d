package dev.entrepot.replicator;

import dev.entrepot.config.PruneConfig;
import dev.entrepot.oci.RepositoryName;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Where, at one target, nothing that a rule has left over is looked at for some time, because none of it went: the
 * target refuses to delete it, or it is more than the rule's share. What is left over grows then with each tag that
 * moves, and reading all of it in each run would find the same. So that is done once in {@link #MEMORY}, by each
 * process, and once with each way in which the rule prunes. Of another rule nothing follows from that: it may go there
 * with other credentials, and one that runs more often would keep all others from ever being told. Safe for all
 * threads.
 */
final class LeftoverPauses {
    /** For how long. */
    static final Duration MEMORY = Duration.ofDays(1);

    private final Time time;
    private final Map<Place, Pause> pauses = new ConcurrentHashMap<>();

    // No repository stands for all.
    private record Place(String rule, PruneConfig prune, Optional<RepositoryName> repository) {}

    private record Pause(String reason, Instant until) {}

    LeftoverPauses(Time time) {
        this.time = time;
    }

    /** The target refuses to delete what a rule has left over here, for this reason. */
    void refused(ReplicationRule rule, RepositoryName repository, String reason) {
        note(new Place(rule.name(), rule.prune(), Optional.of(repository)), reason + "; it is told to again");
    }

    /** It is more than the rule's share of what it has there, as this reason says. */
    void tooMuch(ReplicationRule rule, String reason) {
        note(new Place(rule.name(), rule.prune(), Optional.empty()), reason + "; it is counted again");
    }

    private void note(Place place, String reason) {
        Instant now = time.clock().instant();
        pauses.values().removeIf(pause -> !now.isBefore(pause.until()));
        pauses.put(place, new Pause(reason, now.plus(MEMORY)));
    }

    /** Why nothing that a rule has left over here is worth a request now, if so. */
    Optional<String> against(ReplicationRule rule, RepositoryName repository) {
        return against(new Place(rule.name(), rule.prune(), Optional.of(repository)));
    }

    /** As above, of all repositories. */
    Optional<String> against(ReplicationRule rule) {
        return against(new Place(rule.name(), rule.prune(), Optional.empty()));
    }

    private Optional<String> against(Place place) {
        Instant now = time.clock().instant();
        return Optional.ofNullable(pauses.get(place))
                .filter(pause -> now.isBefore(pause.until()))
                .map(pause -> pause.reason() + " by a run after " + pause.until() + ", or of another process");
    }
}
