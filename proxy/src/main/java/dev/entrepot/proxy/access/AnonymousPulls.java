package dev.entrepot.proxy.access;

import dev.entrepot.config.AccessRuleConfig;
import dev.entrepot.config.ServerConfig;
import dev.entrepot.oci.Repository;
import dev.entrepot.proxy.http.Visitor;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * Says without a request what a client gets that does not say who it is, by the rules that {@link ClientGate} goes by.
 * Immutable, and safe for all threads.
 */
public final class AnonymousPulls {
    private final boolean open;
    private final boolean canAsk;
    private final boolean othersDiffer;
    private final AccessRules rules;
    private final Function<String, Optional<String>> places;

    /**
     * What is decided for such a client.
     *
     * @param refusal what it is refused with; empty if it may pull
     * @param rule the rule that decided, for example {@code access[0]}; empty if none fits
     * @param where the file and line of the rule, if they are known
     * @param othersDiffer whether clients can say who they are, and be answered otherwise
     */
    public record Decision(
            Optional<Refusal> refusal, Optional<String> rule, Optional<String> where, boolean othersDiffer) {}

    /**
     * A refusal.
     *
     * @param status 401 where the client is asked who it is, else 403
     * @param message what it is shown
     */
    public record Refusal(int status, String message) {}

    /**
     * What is decided by these.
     *
     * @param server who can say who he is
     * @param access the rules
     * @param places the file and line of a path of the configuration, if they are known
     */
    public AnonymousPulls(
            ServerConfig server, List<AccessRuleConfig> access, Function<String, Optional<String>> places) {
        this.open = !server.knowsClients() && access.isEmpty();
        this.canAsk = server.authentication().isConfigured();
        this.othersDiffer = server.knowsClients();
        this.rules = new AccessRules(access);
        this.places = places;
    }

    /** What is decided of a repository; empty where everybody may pull everything, without any rule. */
    public Optional<Decision> of(Repository repository) {
        if (open) {
            return Optional.empty();
        }
        Optional<String> rule = rules.deciding(Visitor.ANYBODY, repository).map(number -> "access[" + number + "]");
        Optional<Refusal> refusal = rules.decide(Visitor.ANYBODY, repository)
                .map(reason -> canAsk
                        ? new Refusal(401, ClientGate.unknown(repository, reason))
                        : new Refusal(403, ClientGate.denied(Visitor.ANYBODY, repository, reason)));
        return Optional.of(new Decision(refusal, rule, rule.flatMap(places), othersDiffer));
    }
}
