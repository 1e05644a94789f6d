package dev.entrepot.proxy.access;

import dev.entrepot.config.AccessRuleConfig;
import dev.entrepot.oci.Repository;
import dev.entrepot.proxy.http.AccessRefusedException;
import dev.entrepot.proxy.http.Approach;
import dev.entrepot.proxy.http.Gate;
import dev.entrepot.proxy.http.Visitor;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.Principal;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.LongAdder;
import javax.naming.InvalidNameException;
import javax.naming.ldap.LdapName;
import javax.naming.ldap.Rdn;

/**
 * Stands before the registry API: finds out who clients are, by password, token or certificate, and lets them pull what
 * the rules of access allow. The rules may be replaced at any time. Safe for all threads.
 */
public final class ClientGate implements Gate {
    /** What a client that failed to say who it is gets to hear, whatever was wrong. */
    private static final String WRONG = "what was given to say who you are is wrong, or good no longer";

    private static final String CATALOG = "registry:catalog:*";

    private final Parts parts;
    private final Map<String, Set<String>> groupsOf = new LinkedHashMap<>();
    private final LongAdder identified = new LongAdder();
    private final LongAdder failed = new LongAdder();
    private final LongAdder refused = new LongAdder();
    private volatile AccessRules rules;

    /**
     * What the gate is made of.
     *
     * @param passwords users with passwords
     * @param tokens tokens of ours and of others
     * @param own what gives out ours
     * @param certificates whether certificates of clients say who they are
     * @param canAsk whether there is a password or token to ask for
     * @param service what this service is called in challenges
     * @param realm where tokens are given out; without it under the name that the client used
     * @param local what commands of this program on the same data folder show, who may pull everything
     */
    record Parts(
            Optional<Passwords> passwords,
            JsonWebTokens tokens,
            Optional<OwnTokens> own,
            boolean certificates,
            boolean canAsk,
            String service,
            Optional<URI> realm,
            String local) {
        @Override
        public String toString() {
            return "Parts[" + service + "]";
        }
    }

    /**
     * A gate.
     *
     * @param groups the members of each group
     */
    ClientGate(Parts parts, Map<String, List<String>> groups, List<AccessRuleConfig> access) {
        this.parts = parts;
        this.rules = new AccessRules(access);
        groups.forEach((group, members) -> members.forEach(member ->
                groupsOf.computeIfAbsent(member, _ -> new LinkedHashSet<>()).add(group)));
    }

    /** From the next request on, these rules are in effect. */
    public void replace(List<AccessRuleConfig> access) {
        rules = new AccessRules(access);
    }

    /** How often somebody's password, token or certificate was right. */
    public long identified() {
        return identified.sum();
    }

    /** How often it was wrong. */
    public long failed() {
        return failed.sum();
    }

    /** How often somebody was refused what the rules do not let him have. */
    public long refused() {
        return refused.sum();
    }

    @Override
    public boolean isOpen() {
        return !parts.canAsk() && !parts.certificates() && rules.isEmpty();
    }

    @Override
    public Visitor identify(Approach approach) throws AccessRefusedException {
        Optional<Visitor> found = approach.authorization().isPresent() && parts.canAsk()
                ? authorized(approach, approach.authorization().get())
                : local(approach).or(() -> certified(approach));
        found.ifPresent(_ -> identified.increment());
        return found.orElse(Visitor.ANYBODY);
    }

    private Optional<Visitor> authorized(Approach approach, String authorization) throws AccessRefusedException {
        Optional<BasicCredentials> basic = BasicCredentials.of(authorization);
        if (basic.isPresent() && basic.get().isNothing()) {
            return certified(approach);
        }
        Optional<Visitor> found = local(approach);
        if (found.isEmpty()) {
            found = basic.isPresent() ? byPassword(basic.get(), approach) : byToken(authorization);
        }
        if (found.isEmpty()) {
            failed.increment();
            throw AccessRefusedException.unknown(
                    WRONG, challenge(approach, "", basic.isPresent() ? "" : "invalid_token"));
        }
        return found;
    }

    private Optional<Visitor> byPassword(BasicCredentials basic, Approach approach) throws AccessRefusedException {
        if (JsonWebTokens.hasShape(basic.password())) {
            Optional<Visitor> found = parts.tokens().visitor(basic.password(), true);
            if (found.isPresent()) {
                return found.map(this::withGroups);
            }
        }
        boolean right = parts.passwords().isPresent()
                && parts.passwords().get().isRight(basic.user(), basic.password(), approach.address());
        return right ? Optional.of(named(basic.user())) : Optional.empty();
    }

    private Optional<Visitor> byToken(String authorization) throws AccessRefusedException {
        Optional<String> token = BasicCredentials.bearer(authorization);
        return token.isEmpty()
                ? Optional.empty()
                : parts.tokens().visitor(token.get(), false).map(this::withGroups);
    }

    private Visitor withGroups(Visitor visitor) {
        Set<String> more = groupsOf.get(visitor.user());
        if (more == null || visitor.groups().containsAll(more)) {
            return visitor;
        }
        Set<String> all = new LinkedHashSet<>(visitor.groups());
        all.addAll(more);
        return new Visitor(visitor.user(), all, visitor.scope());
    }

    private Visitor named(String user) {
        return Visitor.named(user, groupsOf.getOrDefault(user, Set.of()));
    }

    /** A command of this program on the same data folder. */
    private Optional<Visitor> local(Approach approach) {
        boolean shown = approach.authorization()
                .flatMap(BasicCredentials::bearer)
                .filter(token -> isSame(token, parts.local()))
                .isPresent();
        return shown ? Optional.of(LocalCommand.VISITOR) : Optional.empty();
    }

    private static boolean isSame(String one, String other) {
        return MessageDigest.isEqual(one.getBytes(StandardCharsets.UTF_8), other.getBytes(StandardCharsets.UTF_8));
    }

    private Optional<Visitor> certified(Approach approach) {
        return parts.certificates()
                ? approach.certificate().flatMap(ClientGate::commonName).map(this::named)
                : Optional.empty();
    }

    /**
     * The common name of a certificate's subject, which is its user: of several the most specific, as {@code alice} of
     * {@code CN=alice,CN=Users,DC=corp}. The parts of a name come with the most general first, whatever the order in
     * which it is written.
     */
    static Optional<String> commonName(Principal subject) {
        try {
            for (Rdn part : new LdapName(subject.getName()).getRdns().reversed()) {
                if (part.getType().equalsIgnoreCase("CN")
                        && part.getValue() instanceof String name
                        && !name.isBlank()) {
                    return Optional.of(name);
                }
            }
            return Optional.empty();
        } catch (InvalidNameException e) {
            return Optional.empty();
        }
    }

    @Override
    public void requirePing(Visitor visitor, Approach approach) throws AccessRefusedException {
        // Clients that take the challenge from here look nowhere else, so it covers whatever repository needs it.
        requireNamed(visitor, approach, "");
    }

    private void requireNamed(Visitor visitor, Approach approach, String scope) throws AccessRefusedException {
        if (isNobody(visitor) && parts.canAsk() && !rules.anybodyMayPullEverything()) {
            throw AccessRefusedException.unknown("say who you are", challenge(approach, scope, ""));
        }
    }

    @Override
    public void requireCatalog(Visitor visitor, Approach approach) throws AccessRefusedException {
        // A token for what the challenge does not name would be refused here in turn.
        requireNamed(visitor, approach, CATALOG);
        if (visitor.scope().isPresent() && !visitor.scope().get().catalog()) {
            throw AccessRefusedException.unknown(
                    "this token is not for listing repositories", challenge(approach, CATALOG, "insufficient_scope"));
        }
    }

    @Override
    public void requirePull(Visitor visitor, Repository repository, Approach approach) throws AccessRefusedException {
        Optional<String> reason = refusal(visitor, repository);
        if (reason.isPresent()) {
            if (visitor.isAnybody() && parts.canAsk()) {
                // No refusal yet: every client begins so.
                throw AccessRefusedException.unknown(
                        unknown(repository, reason.get()), challenge(approach, scope(repository), ""));
            }
            refused.increment();
            throw AccessRefusedException.denied(denied(visitor, repository, reason.get()));
        }
        Optional<Visitor.Scope> scope = visitor.scope();
        if (scope.isPresent() && !scope.get().repositories().contains(repository)) {
            throw AccessRefusedException.unknown(
                    "this token is not for " + repository,
                    challenge(approach, scope(repository), "insufficient_scope"));
        }
    }

    /** What a client is told that may say who it is, and then perhaps pull. */
    static String unknown(Repository repository, String reason) {
        return "say who you are to pull " + repository + ": " + reason;
    }

    /** What a client is told that may not pull. */
    static String denied(Visitor visitor, Repository repository, String reason) {
        return (visitor.isAnybody() ? "clients without a name" : visitor.user()) + " may not pull " + repository + ": "
                + reason;
    }

    private static boolean isNobody(Visitor visitor) {
        return visitor.isAnybody() && visitor.scope().isEmpty();
    }

    // A token that was given to nobody in particular says nothing of who shows it.
    @Override
    public boolean isStranger(Visitor visitor) {
        return visitor.isAnybody() && (parts.canAsk() || parts.certificates()) && !rules.anybodyMayPullEverything();
    }

    @Override
    public boolean mayPull(Visitor visitor, Repository repository) {
        return visitor == LocalCommand.VISITOR
                || rules.decide(visitor, repository).isEmpty();
    }

    private Optional<String> refusal(Visitor visitor, Repository repository) {
        return visitor == LocalCommand.VISITOR ? Optional.empty() : rules.refusal(visitor, repository);
    }

    @Override
    public boolean givesTokens() {
        return parts.own().isPresent();
    }

    @Override
    public GivenToken give(Visitor visitor, Set<Repository> wanted, boolean catalog) throws AccessRefusedException {
        if (visitor.scope().isPresent()) {
            throw AccessRefusedException.denied(
                    "a token of this service is good for itself alone, and for no other token");
        }
        Set<Repository> allowed = new LinkedHashSet<>(wanted);
        allowed.removeIf(repository -> refusal(visitor, repository).isPresent());
        return parts.own().orElseThrow().give(visitor, new Visitor.Scope(allowed, catalog));
    }

    private static String scope(Repository repository) {
        return "repository:" + repository + ":pull";
    }

    /** The value of {@code WWW-Authenticate}: where tokens are given out, or that a password is wanted. */
    private String challenge(Approach approach, String scope, String error) {
        if (parts.own().isEmpty()) {
            return "Basic realm=\"" + parts.service() + "\"";
        }
        String realm = parts.realm().map(URI::toString).orElseGet(() -> approach.server() + "/token");
        StringBuilder text =
                new StringBuilder("Bearer realm=\"").append(safe(realm)).append("\",service=\"");
        text.append(parts.service()).append('"');
        if (!scope.isEmpty()) {
            text.append(",scope=\"").append(scope).append('"');
        }
        if (!error.isEmpty()) {
            text.append(",error=\"").append(error).append('"');
        }
        return text.toString();
    }

    // What the client called this server comes back to it, within quotes.
    private static String safe(String text) {
        StringBuilder safe = new StringBuilder(text.length());
        text.chars().filter(c -> c > ' ' && c < 127 && c != '"' && c != '\\').forEach(c -> safe.append((char) c));
        return safe.toString();
    }
}
