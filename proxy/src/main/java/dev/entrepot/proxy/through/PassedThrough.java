package dev.entrepot.proxy.through;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.entrepot.cache.PullThrough;
import dev.entrepot.cache.PullThroughCache;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.RefusedException;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.UnauthorizedException;
import dev.entrepot.oci.client.Priority;
import dev.entrepot.oci.client.RegistryClient;
import dev.entrepot.proxy.access.CredentialKey;
import dev.entrepot.proxy.http.AccessRefusedException;
import dev.entrepot.proxy.http.Approach;
import dev.entrepot.proxy.http.ClientAddress;
import dev.entrepot.proxy.http.OwnCredentials;
import dev.entrepot.proxy.http.RequestRates;
import dev.entrepot.proxy.http.ServedRepository;
import java.io.IOException;
import java.time.Duration;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Serves upstreams with the credentials of each client: shows them to the upstream that the client means and to no
 * other, and lets nobody have what is kept before the upstream has let it. A credential is kept in memory for ten
 * minutes after its last use, with what it was used for; what is remembered of it for longer stands under a keyed hash.
 * An address from which come credentials that an upstream does not take has to wait, unless its credential was taken
 * lately. Safe for all threads.
 */
public final class PassedThrough implements OwnCredentials {
    /** Credentials that are refused which one address may try at once. */
    static final int WRONG_AT_ONCE = 20;

    private static final Logger LOG = LoggerFactory.getLogger(PassedThrough.class);
    private static final double WRONG_PER_SECOND = 1 / 6.0;
    private static final int CLIENTS_AT_HAND = 1000;
    private static final Duration CLIENTS_FOR = Duration.ofMinutes(10);
    /** Credentials that were not taken yet; those that never will be push out only each other. */
    private static final int STRANGERS_AT_HAND = 100;

    private static final Duration STRANGERS_FOR = Duration.ofMinutes(1);

    private final Map<RegistryHost, ThroughUpstream> upstreams;
    private final Optional<RegistryHost> defaultUpstream;
    private final PullThroughCache cache;
    private final Function<PullThrough, ServedRepository> serving;
    private final CredentialKey.Maker keys;
    private final Proofs proofs;
    private final RequestRates<ClientAddress> wrong;
    private final Cache<Account, RegistryClient> clients;
    private final Cache<Account, RegistryClient> strangers;
    private final Cache<Account, Boolean> taken;

    /** A credential at an upstream. */
    private record Account(CredentialKey who, RegistryHost upstream) {}

    /**
     * Serves these upstreams.
     *
     * @param defaultUpstream the upstream of requests that name none, whichever it is
     * @param serving makes of a repository what answers clients
     * @param secret 32 random bytes
     */
    public PassedThrough(
            Map<RegistryHost, ThroughUpstream> upstreams,
            Optional<RegistryHost> defaultUpstream,
            PullThroughCache cache,
            Function<PullThrough, ServedRepository> serving,
            byte[] secret,
            LongSupplier nanoTime) {
        this.upstreams = Map.copyOf(new LinkedHashMap<>(upstreams));
        this.defaultUpstream = defaultUpstream;
        this.cache = cache;
        this.serving = serving;
        this.keys = new CredentialKey.Maker(secret);
        this.proofs = new Proofs(nanoTime);
        this.wrong = new RequestRates<>(WRONG_PER_SECOND, WRONG_AT_ONCE, nanoTime);
        this.clients = clients(CLIENTS_AT_HAND, CLIENTS_FOR, nanoTime);
        this.strangers = clients(STRANGERS_AT_HAND, STRANGERS_FOR, nanoTime);
        this.taken = Caffeine.newBuilder()
                .maximumSize(10L * CLIENTS_AT_HAND)
                .expireAfterWrite(takenFor(upstreams.values()))
                .ticker(nanoTime::getAsLong)
                .executor(Runnable::run)
                .build();
    }

    private static Cache<Account, RegistryClient> clients(int most, Duration unused, LongSupplier nanoTime) {
        return Caffeine.newBuilder()
                .maximumSize(most)
                .expireAfterAccess(unused)
                .ticker(nanoTime::getAsLong)
                .executor(Runnable::run)
                .build();
    }

    // Longer than any proof, so that in an outage /v2/ is answered to whoever gets what is kept.
    private static Duration takenFor(Collection<ThroughUpstream> upstreams) {
        return upstreams.stream()
                .map(upstream -> upstream.proofFor().multipliedBy(2))
                .reduce(CLIENTS_FOR, (one, other) -> one.compareTo(other) > 0 ? one : other);
    }

    @Override
    public boolean areAsked() {
        return !upstreams.isEmpty();
    }

    @Override
    public boolean areAskedBy(RegistryHost upstream) {
        return upstreams.containsKey(upstream);
    }

    @Override
    public ServedRepository open(Repository repository, Approach approach) throws AccessRefusedException {
        RegistryHost name = repository.registry();
        Shown shown = Shown.of(approach, keys)
                .orElseThrow(() -> AccessRefusedException.unknown(
                        "show the credentials that you have for " + name + ", by the scheme Basic", challenge(name)));
        Guarded guarded = guarded(name, shown, approach);
        PullThrough pull =
                cache.repositoryFor(shown.key(), guarded.client().repository(repository.name(), Priority.INTERACTIVE));
        return new ProvenRepository(pull, serving.apply(pull), guarded);
    }

    private Guarded guarded(RegistryHost name, Shown shown, Approach approach) {
        ThroughUpstream upstream = upstream(name);
        Account account = new Account(shown.key(), name);
        boolean known = clients.getIfPresent(account) != null || taken.getIfPresent(account) != null;
        RegistryClient client = (known ? clients : strangers)
                .get(account, _ -> upstream.client().showing(shown.credential()));
        return new Guarded(account, upstream, client, approach.address());
    }

    private ThroughUpstream upstream(RegistryHost name) {
        ThroughUpstream upstream = upstreams.get(name);
        if (upstream == null) {
            throw new IllegalStateException(name + " is not asked with the credentials of clients");
        }
        return upstream;
    }

    @Override
    public void requirePing(Optional<RegistryHost> meant, Approach approach) throws IOException {
        List<RegistryHost> asking = asking(meant);
        if (asking.isEmpty()) {
            return;
        }
        Shown shown = Shown.of(approach, keys)
                .orElseThrow(() -> AccessRefusedException.unknown("say who you are", challenge(asking.getFirst())));
        if (asking.size() == 1) {
            guarded(asking.getFirst(), shown, approach).tolerateRefusedEntry();
        }
    }

    // A request that names no upstream may be about any of those that have no name of this server to themselves.
    private List<RegistryHost> asking(Optional<RegistryHost> meant) {
        if (meant.isPresent()) {
            return meant.filter(upstreams::containsKey).stream().toList();
        }
        return upstreams.entrySet().stream()
                .filter(entry -> !entry.getValue().hasOwnHosts()
                        || defaultUpstream.filter(entry.getKey()::equals).isPresent())
                .map(Map.Entry::getKey)
                .sorted()
                .toList();
    }

    @Override
    public Predicate<Repository> mayList(Approach approach) {
        if (upstreams.isEmpty()) {
            return repository -> true;
        }
        Optional<Shown> shown = Shown.of(approach, keys);
        return repository -> !upstreams.containsKey(repository.registry())
                || shown.filter(known -> proofs.holds(pulling(known, repository)))
                        .isPresent();
    }

    private static Claim pulling(Shown shown, Repository repository) {
        return new Claim(shown.key(), repository.registry(), Optional.of(repository.name()), Claim.Right.PULL);
    }

    /** How many credentials are at hand. */
    public long credentialsAtHand() {
        return clients.estimatedSize() + strangers.estimatedSize();
    }

    private static String challenge(RegistryHost upstream) {
        return "Basic realm=\"" + upstream + "\"";
    }

    /** An upstream for a client, which it lets have nothing that the upstream has not. */
    final class Guarded {
        private final Account account;
        private final ThroughUpstream upstream;
        private final RegistryClient client;
        private final ClientAddress address;

        private Guarded(Account account, ThroughUpstream upstream, RegistryClient client, ClientAddress address) {
            this.account = account;
            this.upstream = upstream;
            this.client = client;
            this.address = address;
        }

        private RegistryClient client() {
            return client;
        }

        private Claim claim(Repository repository, Claim.Right right) {
            return new Claim(account.who(), account.upstream(), Optional.of(repository.name()), right);
        }

        /**
         * Returns if the upstream lets the client do something, and has it asked where that is not known.
         *
         * @throws AccessRefusedException if it does not
         * @throws dev.entrepot.oci.RegistryException what else it answers, or that it does not
         */
        void require(Repository repository, Claim.Right right, Proofs.Question question) throws IOException {
            Claim claim = claim(repository, right);
            if (proofs.holds(claim)) {
                return;
            }
            tolerateRefusedEntry();
            prove(claim, question);
            took();
        }

        // Some registries refuse this to a credential for one repository.
        private void tolerateRefusedEntry() throws IOException {
            try {
                requireEntry();
            } catch (UnauthorizedException e) {
                if (e.status() != 403) {
                    throw e;
                }
            }
        }

        /** As above, for the upstream itself: that it takes the credential. */
        void requireEntry() throws IOException {
            if (taken.getIfPresent(account) == null) {
                prove(new Claim(account.who(), account.upstream(), Optional.empty(), Claim.Right.ENTER), this::enter);
            }
        }

        private void took() {
            taken.put(account, true);
            clients.put(account, client);
            strangers.invalidate(account);
        }

        // A refusal is thrown, whatever its status: it is what guesses are counted by.
        private void enter() throws IOException {
            try {
                if (client.enter()) {
                    took();
                }
            } catch (NotFoundException | RefusedException e) {
                LOG.debug("{} answers /v2/ in its own way: {}", account.upstream(), e.getMessage());
            }
        }

        private void prove(Claim claim, Proofs.Question question) throws IOException {
            try {
                proofs.require(claim, upstream.proofFor(), () -> {
                    // A token may outlive the rights that it was given for.
                    client.forgetTokens();
                    asked(question);
                });
            } catch (UnauthorizedException e) {
                throw refusal(e);
            }
        }

        // The token is taken before, and given back unless the credential is refused: else a thousand wrong ones at
        // once would all be tried at the upstream.
        private void asked(Proofs.Question question) throws IOException {
            if (taken.getIfPresent(account) != null) {
                question.ask();
                took();
                return;
            }
            Optional<Duration> wait = wrong.take(address);
            if (wait.isPresent()) {
                throw AccessRefusedException.tooOften(
                        "too many credentials that " + account.upstream() + " did not take; try again later",
                        wait.get());
            }
            boolean refused = false;
            try {
                question.ask();
            } catch (UnauthorizedException e) {
                refused = true;
                throw e;
            } finally {
                if (!refused) {
                    wrong.giveBack(address);
                }
            }
        }

        /** Reads something for the client; a refusal ends what was proven. */
        <T> T read(Repository repository, Claim.Right right, Reading<T> reading) throws IOException {
            try {
                return reading.read();
            } catch (UnauthorizedException e) {
                proofs.revoke(claim(repository, right));
                throw refusal(e);
            }
        }

        // Here, unlike elsewhere, a challenge is sent with it: what the client showed is what the upstream did not
        // take.
        private IOException refusal(UnauthorizedException e) {
            return e.status() == 403
                    ? e
                    : AccessRefusedException.unknown(String.valueOf(e.getMessage()), challenge(account.upstream()));
        }
    }

    /** Reads something. */
    @FunctionalInterface
    interface Reading<T> {
        /** Reads it. */
        T read() throws IOException;
    }
}
