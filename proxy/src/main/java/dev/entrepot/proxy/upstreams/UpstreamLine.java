package dev.entrepot.proxy.upstreams;

import dev.entrepot.oci.client.UpstreamState;
import java.net.URI;
import java.util.Optional;

/**
 * One upstream, or a mirror of one, in a survey.
 *
 * @param name its name in references; of a mirror, that of the upstream and its own
 * @param url where its API is
 * @param check what it answered when it was asked; empty if it was not
 * @param state what its client knows
 * @param mirror how it serves, if it is a mirror
 */
record UpstreamLine(
        String name, URI url, Optional<Check> check, UpstreamState state, Optional<UpstreamLine.Mirror> mirror) {
    /**
     * How a mirror serves.
     *
     * @param resolves whether it is believed about tags
     * @param answered how often it had what it was asked for
     * @param passedOn how often the next place was asked
     */
    record Mirror(boolean resolves, long answered, long passedOn) {}

    /**
     * What came of asking an upstream.
     *
     * @param reachable whether it answered
     * @param credentialsAccepted whether it took the credentials; empty if there are none, or if that was not seen
     * @param problem what is wrong, if anything is
     * @param nothingToAskFor whether nothing of it is kept or named by which it could be seen what it can do
     */
    record Check(
            boolean reachable,
            Optional<Boolean> credentialsAccepted,
            Optional<String> problem,
            boolean nothingToAskFor) {
        static Check of(boolean reachable, Optional<Boolean> credentialsAccepted, Optional<String> problem) {
            return new Check(reachable, credentialsAccepted, problem, false);
        }

        Check withNothingToAskFor() {
            return new Check(reachable, credentialsAccepted, problem, true);
        }
    }

    /** Whether it last answered, as far as is known: by the check, else by the requests of others. */
    Optional<Boolean> reachable() {
        if (check.isPresent()) {
            return Optional.of(check.get().reachable());
        }
        if (state.answeredAt().isEmpty() && state.failedAt().isEmpty()) {
            return Optional.empty();
        }
        return Optional.of(state.failedAt()
                .filter(failed -> state.answeredAt().filter(failed::isBefore).isEmpty())
                .isEmpty());
    }

    /** What is wrong with it, if anything is: of what was checked, else the last outage that no answer followed. */
    Optional<String> problem() {
        return check.isPresent()
                ? check.get().problem()
                : state.failure().filter(failure -> !reachable().orElse(true));
    }

    /** How it authenticates and as whom. */
    String credentials() {
        Optional<Boolean> accepted = check.flatMap(Check::credentialsAccepted);
        return state.account()
                + (state.authentication().equals("none") ? "" : " (" + state.authentication() + ")")
                + accepted.map(taken -> taken ? ", accepted" : ", refused").orElse("");
    }
}
