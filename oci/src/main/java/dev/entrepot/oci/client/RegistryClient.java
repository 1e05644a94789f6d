package dev.entrepot.oci.client;

import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.RepositorySource;
import java.io.IOException;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.hc.client5.http.DnsResolver;

/**
 * The client of one registry: its connections, tokens and limits, and its mirrors, which have their own. Made once per
 * registry and closed at the end; safe for all threads. Long, because every way of asking a registry begins here.
 */
public final class RegistryClient implements AutoCloseable {
    private static final long PART_BYTES = 16L << 20;
    private static final long TOKEN_BYTES = 32L << 20;
    private static final long TOKEN_BYTES_OF_ONE_CLIENT = 128L << 10;

    private final RegistryEndpoint endpoint;
    private final Foundation shared;
    private final Calls tokenCalls;
    private final boolean derived;
    private final Holds holds;
    private final Calls calls;
    private final Validators validators = new Validators();
    private final QuotaBudgets budgets;
    private final AuthExchange authentication;
    private final HedgedExchange hedged;
    private final List<MirrorEndpoint> mirrors;
    private final MirrorMemory mirrorMemory;

    /**
     * Sets up the client; connects to nothing yet.
     *
     * @throws IOException if the endpoint's TLS files cannot be read
     */
    public RegistryClient(RegistryEndpoint endpoint, ClientEnvironment environment) throws IOException {
        this(endpoint, Safeguards.NONE, environment);
    }

    /** As above, with what keeps it from asking in vain. */
    public RegistryClient(RegistryEndpoint endpoint, Safeguards safeguards, ClientEnvironment environment)
            throws IOException {
        this(endpoint, safeguards, List.of(), environment);
    }

    /**
     * As above, with mirrors.
     *
     * @param mirrors which are asked before it by {@link #source}, in order; closed with this client
     */
    public RegistryClient(
            RegistryEndpoint endpoint,
            Safeguards safeguards,
            List<MirrorEndpoint> mirrors,
            ClientEnvironment environment)
            throws IOException {
        this(
                endpoint,
                Foundation.open(endpoint, endpoint.registry().toString(), safeguards, environment),
                mirrors,
                false);
    }

    /**
     * A client without mirrors.
     *
     * @param called its name in the log
     */
    RegistryClient(RegistryEndpoint endpoint, String called, Safeguards safeguards, ClientEnvironment environment)
            throws IOException {
        this(endpoint, Foundation.open(endpoint, called, safeguards, environment), List.of(), false);
    }

    /** As above without mirrors, where names are resolved in another way. */
    static RegistryClient resolvingBy(
            DnsResolver names, RegistryEndpoint endpoint, Safeguards safeguards, ClientEnvironment environment)
            throws IOException {
        return new RegistryClient(
                endpoint,
                Foundation.open(endpoint, endpoint.registry().toString(), safeguards, environment, names),
                List.of(),
                false);
    }

    private RegistryClient(
            RegistryEndpoint endpoint, Foundation shared, List<MirrorEndpoint> mirrors, boolean derived) {
        this.endpoint = endpoint;
        this.shared = shared;
        this.derived = derived;
        this.mirrors = List.copyOf(mirrors);
        ClientEnvironment environment = shared.environment();
        Safeguards safeguards = shared.safeguards();
        this.mirrorMemory = new MirrorMemory(environment.nanoTime());
        // What one client may not ask for a while, others may.
        this.holds = derived ? new Holds(shared.clock()) : shared.holds();
        // What is refused to a client is its own matter, and its name is in no log.
        LimitLog limits = derived ? new LimitLog(Optional.empty(), shared.clock()) : shared.limits();
        this.tokenCalls = shared.tokenCalls(holds, limits);
        this.budgets = new QuotaBudgets(endpoint, safeguards.quota().orElse(QuotaReserve.DEFAULT), shared.clock());
        this.authentication = new AuthExchange(
                shared.redirected(),
                Origin.of(endpoint.baseUrl()),
                new Prover(
                        endpoint,
                        shared.addresses(),
                        new TokenService(tokenCalls, shared.clock()),
                        shared.clock(),
                        derived ? TOKEN_BYTES_OF_ONE_CLIENT : TOKEN_BYTES),
                shared.clock());
        Exchange budgeted = safeguards.quota().isPresent()
                ? new QuotaExchange(
                        authentication,
                        endpoint,
                        budgets,
                        holds,
                        limits,
                        safeguards.repeats() ? QuotaExchange.Waiting.PATIENT : QuotaExchange.Waiting.NEVER,
                        shared)
                : authentication;
        this.hedged = new HedgedExchange(budgeted, budgets::mayCost, shared.slots()::hasRoom, environment.nanoTime());
        this.calls = new Calls(
                safeguards.hedges() && !derived ? hedged : budgeted,
                shared.errors(),
                shared.breakers(),
                shared.sightings(),
                safeguards.repeats(),
                environment);
    }

    /**
     * This registry, asked with another credential and with none but that: over the same connections, within the same
     * slots, past the same breakers; with tokens and a pull quota of its own, without mirrors, and nothing is sent
     * twice. It ends with this client; whoever has done with it forgets it.
     */
    public RegistryClient showing(Credential credential) {
        return new RegistryClient(
                endpoint.withCredentials(CredentialSource.fixed(credential)), shared, List.of(), true);
    }

    /**
     * Has tokens asked for anew before they are next shown: what a token service said may have changed within a token's
     * life.
     */
    public void forgetTokens() {
        authentication.forgetTokens();
    }

    /** The registry and how it is reached. */
    public RegistryEndpoint endpoint() {
        return endpoint;
    }

    /** Its mirrors, in the order in which they are asked. */
    public List<MirrorEndpoint> mirrors() {
        return mirrors;
    }

    /** A repository to read from: out of the mirrors as far as they may answer, else out of the registry itself. */
    public RepositorySource source(RepositoryName name, Priority priority) {
        RemoteRepository own = repository(name, priority);
        List<MirroredRepository.Leg> legs = new ArrayList<>();
        for (MirrorEndpoint mirror : mirrors) {
            mirror.repository(name, priority).ifPresent(there -> legs.add(new MirroredRepository.Leg(mirror, there)));
        }
        return legs.isEmpty() ? own : new MirroredRepository(own, legs, mirrorMemory);
    }

    /** A repository, for somebody who waits. */
    public RemoteRepository repository(RepositoryName name) {
        return repository(name, Priority.INTERACTIVE);
    }

    /** A repository, with the urgency of the requests that are made through this view. */
    public RemoteRepository repository(RepositoryName name, Priority priority) {
        return repository(name, priority, PART_BYTES);
    }

    /**
     * A repository to copy to, in the background: where HEAD says that it has no such blob, that is believed, since a
     * blob that is there already costs an upload and no more.
     */
    public RemoteRepository target(RepositoryName name) {
        return repository(name, Priority.BACKGROUND, BlobReads.Absence.BELIEVED, PART_BYTES);
    }

    RemoteRepository repository(RepositoryName name, Priority priority, long partBytes) {
        return repository(name, priority, BlobReads.Absence.CONFIRMED, partBytes);
    }

    private RemoteRepository repository(
            RepositoryName name, Priority priority, BlobReads.Absence absence, long partBytes) {
        Repository repository = new Repository(endpoint.registry(), name);
        RepositoryRequests requests = new RepositoryRequests(endpoint.baseUrl(), repository, priority);
        return new RemoteRepository(
                requests,
                calls,
                shared.memory(),
                shared.singlePosts(),
                validators,
                () -> tokenOutage(name),
                blob -> held(repository, blob),
                () -> shared.safeguards().quota().isPresent() ? budgets.reserved(repository) : Optional.empty(),
                () -> shared.safeguards().quota().isPresent() ? budgets.spent(repository) : Optional.empty(),
                () -> shared.safeguards().quota().isPresent() && budgets.counts(repository),
                absence,
                partBytes);
    }

    private Optional<OutageException> held(Repository repository, boolean blob) {
        return holds.wait(TooManyKind.RATE)
                .or(() -> blob ? holds.wait(TooManyKind.EGRESS) : Optional.empty())
                .map(wait -> QuotaExchange.held(
                        repository.toString(), endpoint.registry().toString(), wait));
    }

    // Without a token nothing is asked, so how that fails is how all fails that waits for it.
    private Optional<OutageException> tokenOutage(RepositoryName name) {
        return tokenCalls
                .repeating(request -> request.scopes().contains(Scope.pull(name)))
                .map(outage -> new OutageException(
                        OutageException.Reason.TOKEN_SERVICE,
                        String.valueOf(outage.getMessage()),
                        outage.retryAfter(),
                        outage));
    }

    /**
     * Where something of a repository would be asked for now, in order: the mirrors, and at last the registry. Asks
     * nobody.
     */
    public List<Place> places(RepositoryName name, ManifestReference reference, boolean blob) {
        OperationClass kind = blob ? OperationClass.BLOBS : OperationClass.METADATA;
        List<Place> places = new ArrayList<>();
        for (MirrorEndpoint mirror : mirrors) {
            places.add(new Place(
                    mirror.name(),
                    true,
                    mirrorMemory
                            .objection(mirror, reference, blob)
                            .or(() -> mirror.client().refusal(kind, name))));
        }
        places.add(new Place(endpoint.registry().value(), false, refusal(kind, name)));
        return places;
    }

    private Optional<String> refusal(OperationClass kind, RepositoryName name) {
        return shared.breakers()
                .refusal(kind, new Repository(endpoint.registry(), name))
                .map(outage -> String.valueOf(outage.getMessage()));
    }

    /**
     * Asks whether the registry is there and takes the credentials ({@code GET /v2/}).
     *
     * @return whether it was shown who is asking: one that lets everybody in there has looked at nothing
     * @throws dev.entrepot.oci.RegistryException if it is not, or does not
     */
    public boolean ping() throws IOException {
        return ping(Operation.PING);
    }

    /**
     * Asks the same, for somebody who wants something else then: not past a breaker that is open.
     *
     * @return whether the registry asked for credentials, now or before, and so has looked at them
     * @throws dev.entrepot.oci.RegistryException if it is not there, or does not take the credentials
     */
    public boolean enter() throws IOException {
        ping(Operation.ENTER);
        return authentication.isAskedFor();
    }

    private boolean ping(Operation operation) throws IOException {
        URI url = URI.create(RepositoryRequests.api(endpoint.baseUrl()));
        ApiRequest request =
                ApiRequest.of(operation, "asking " + endpoint.registry(), "GET", url, Priority.INTERACTIVE);
        return calls.call(request, response -> {
            if (response.status() != 200) {
                throw calls.errors().failure(response);
            }
            if (response.isHtml()) {
                throw calls.errors().html(response);
            }
            return response.request().headers().containsKey(ApiRequest.AUTHORIZATION);
        });
    }

    /**
     * Finds out what a repository can do, by a few requests that cost no pull. What was found out is in
     * {@link #state()}.
     *
     * @throws dev.entrepot.oci.RegistryException if the registry gave no answer
     */
    public void probe(Sample sample) throws IOException {
        Repository repository = new Repository(endpoint.registry(), sample.repository());
        RepositoryRequests requests = new RepositoryRequests(endpoint.baseUrl(), repository, Priority.INTERACTIVE);
        new CapabilityProbe(calls, requests, shared.memory(), budgets::mayCost).run(sample);
    }

    /**
     * Asks a repository whether it mounts blobs, by mounting one that it has from itself: this wants the right to push,
     * and writes nothing where it works. A session that is opened instead is deleted. No pull is spent, and no failure
     * counts as one of the registry. What came of it is in {@link #state()}, too.
     */
    public MountsAsked probeMounts(Sample sample) {
        Repository repository = new Repository(endpoint.registry(), sample.repository());
        RepositoryRequests requests = new RepositoryRequests(endpoint.baseUrl(), repository, Priority.INTERACTIVE);
        RegistryClient aside = new RegistryClient(endpoint, shared.aside(), List.of(), true);
        return new MountProbe(
                        aside.calls,
                        requests,
                        shared.memory(),
                        budgets::mayCost,
                        shared.environment().clock())
                .run(sample);
    }

    /**
     * Takes over whether a repository mounts that another client asked, if that says so and is a client of the same
     * registry.
     */
    public void learnMounts(RegistryClient other, MountsAsked asked) {
        if (other != this && isAt(other.endpoint.baseUrl())) {
            Repository here = new Repository(endpoint.registry(), asked.repository());
            asked.answer().mounts().ifPresent(there -> shared.memory().saw(here, Capability.MOUNTS, there));
        }
    }

    private boolean isAt(URI url) {
        return Origin.of(url).equals(Origin.of(endpoint.baseUrl()))
                && URI.create(RepositoryRequests.api(url))
                        .getPath()
                        .equals(URI.create(RepositoryRequests.api(endpoint.baseUrl()))
                                .getPath());
    }

    /**
     * One page of the registry's list of repositories.
     *
     * @param cursor empty for the first page, else {@link CatalogPage#next()} of the page before
     * @throws dev.entrepot.oci.NotFoundException if the registry has no such list
     * @throws dev.entrepot.oci.RegistryException if it refuses, or gave no answer
     */
    public CatalogPage catalog(Optional<String> cursor) throws IOException {
        URI url = cursor.isPresent()
                ? RepositoryRequests.atOrigin(endpoint.baseUrl(), cursor.get())
                : URI.create(RepositoryRequests.api(endpoint.baseUrl()) + "_catalog?n=" + PageReads.PAGE_SIZE);
        ApiRequest request = ApiRequest.of(
                        Operation.CATALOG,
                        "listing repositories of " + endpoint.registry(),
                        "GET",
                        url,
                        Priority.BACKGROUND)
                .withScopes(List.of(Scope.CATALOG));
        PageReads.Page<RepositoryName> page =
                new PageReads(calls).read(request, "repositories", cursor.isEmpty(), RepositoryName::new);
        return new CatalogPage(page.names(), page.next());
    }

    /** What is known of the registry, without asking it. */
    public UpstreamState state() {
        Optional<Sightings.Outage> outage = shared.sightings().lastOutage();
        return new UpstreamState(
                authentication.scheme(),
                budgets.lastAccount(),
                shared.sightings().lastAnswer(),
                outage.map(Sightings.Outage::at),
                outage.map(Sightings.Outage::message),
                shared.memory().states(),
                shared.memory().mountsAsked(),
                hedged.state(),
                budgets.states(),
                shared.tooMany().answers(),
                shared.tooMany().stops(),
                holds.states(shared.clock()),
                shared.breakers().states());
    }

    /** How many outages of the registry, of each kind of requests by itself, are over, so far as breakers saw them. */
    public long outagesOver() {
        return shared.breakers().outagesOver();
    }

    /**
     * Closes the connections to it that nobody uses: for the time being there is nothing to ask. What asks meanwhile,
     * or later, goes on as ever.
     */
    public void closeIdle() {
        shared.transport().dropIdle();
    }

    /**
     * Cuts all connections, those to mirrors too; of one that {@link #showing} gave, nothing. Repositories of this
     * client must not be used any more.
     */
    @Override
    public void close() {
        mirrors.forEach(mirror -> mirror.client().close());
        if (!derived) {
            shared.transport().close();
        }
    }
}
