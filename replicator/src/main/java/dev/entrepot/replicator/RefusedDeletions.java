package dev.entrepot.replicator;

import dev.entrepot.oci.RepositoryName;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/**
 * In which repositories a target has deleted nothing of what a rule has left over there, because it refuses to. What is
 * left over there grows with each tag that moves, and reading all of it in each run would find the same. So that is
 * done once in {@link #MEMORY}, by each process. Of another rule nothing follows from that: it may go there with other
 * credentials, and one that runs more often would keep all others from ever being told. Safe for all threads.
 */
final class RefusedDeletions {
    /** For how long nothing that is left over is looked at in a repository. */
    static final Duration MEMORY = Duration.ofDays(1);

    private final Time time;
    private final Map<Place, Refusal> refusals = new ConcurrentHashMap<>();

    private record Place(String rule, RepositoryName repository) {}

    private record Refusal(String reason, Instant until) {}

    RefusedDeletions(Time time) {
        this.time = time;
    }

    /** The target refuses to delete what a rule has left over here, for this reason. */
    void note(String rule, RepositoryName repository, String reason) {
        refusals.put(
                new Place(rule, repository),
                new Refusal(reason, time.clock().instant().plus(MEMORY)));
    }

    /** Why nothing that a rule has left over here is worth a request now, if so. */
    Optional<String> against(String rule, RepositoryName repository) {
        Place place = new Place(rule, repository);
        Refusal refusal = refusals.get(place);
        if (refusal == null) {
            return Optional.empty();
        }
        if (!time.clock().instant().isBefore(refusal.until())) {
            refusals.remove(place, refusal);
            return Optional.empty();
        }
        return Optional.of(refusal.reason() + "; it is told to again by a run after " + refusal.until()
                + ", or of another process");
    }
}
