package dev.entrepot.proxy.upstreams;

import dev.entrepot.oci.client.UpstreamState;
import java.net.URI;
import java.util.Optional;

/**
 * One upstream in a survey.
 *
 * @param name its name in references
 * @param url where its API is
 * @param check what it answered when it was asked; empty if it was not
 * @param state what its client knows
 */
record UpstreamLine(String name, URI url, Optional<Check> check, UpstreamState state) {
    /**
     * What came of asking an upstream.
     *
     * @param reachable whether it answered
     * @param credentialsAccepted whether it took the credentials; empty if there are none, or if that was not seen
     * @param problem what is wrong, if anything is
     */
    record Check(boolean reachable, Optional<Boolean> credentialsAccepted, Optional<String> problem) {}

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
