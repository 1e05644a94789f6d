package dev.entrepot.oci.client;

import dev.entrepot.oci.Repository;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.RepositorySource;
import java.io.IOException;
import java.net.URI;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.apache.hc.client5.http.SystemDefaultDnsResolver;

/**
 * The client of one registry: its connections, tokens and limits, and its mirrors, which have their own. Made once per registry and closed at the end; safe
 * for all threads.
 */
public final class RegistryClient implements AutoCloseable {
    private static final long PART_BYTES = 16L << 20;

    private final RegistryEndpoint endpoint;
    private final HttpTransport transport;
    private final Calls calls;
    private final CapabilityMemory memory;
    private final Validators validators = new Validators();
    private final QuotaBudgets budgets;
    private final Breakers breakers;
    private final Sightings sightings;
    private final AuthExchange authentication;
    private final HedgedExchange hedged;
    private final TooManyCounts tooMany = new TooManyCounts();
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
        this.endpoint = endpoint;
        this.mirrors = List.copyOf(mirrors);
        this.mirrorMemory = new MirrorMemory(environment.nanoTime());
        SteadyClock clock = new SteadyClock(environment.clock(), environment.nanoTime());
        this.budgets = new QuotaBudgets(endpoint, safeguards.quota().orElse(QuotaReserve.DEFAULT), clock);
        ProxyRules proxies = new ProxyRules(endpoint.httpProxy(), environment.variables());
        AddressPolicy addresses = new AddressPolicy(
                Origin.of(endpoint.baseUrl()).host(), named(endpoint, proxies), SystemDefaultDnsResolver.INSTANCE);
        this.transport = HttpTransport.open(endpoint, proxies, addresses, environment);
        this.memory = new CapabilityMemory(environment.clock(), environment.nanoTime());
        WireExchange wire = new WireExchange(transport, endpoint, environment);
        StatusErrors errors = new StatusErrors(environment.clock());
        this.sightings = new Sightings(environment.clock());
        this.breakers = new Breakers(clock, safeguards.breakers());
        Holds holds = new Holds(clock);
        boolean guarded = safeguards.quota().isPresent();
        Exchange toTokens = new RedirectExchange(wire, addresses);
        Calls tokenCalls = new Calls(
                guarded ? new TokenHolds(toTokens, tooMany, holds, errors) : toTokens,
                errors,
                breakers,
                new Sightings(environment.clock()),
                safeguards.repeats(),
                environment);
        TokenService tokens = new TokenService(tokenCalls, environment.clock());
        RequestLimiter slots = new RequestLimiter(endpoint.maxConcurrentRequests(), clock);
        Exchange limited = new LimitedExchange(
                wire, slots, new RequestLimiter(endpoint.maxConcurrentBodies(), clock), endpoint.progressTimeout());
        Exchange redirected = new RedirectExchange(limited, addresses);
        this.authentication = new AuthExchange(
                redirected,
                Origin.of(endpoint.baseUrl()),
                new Prover(endpoint, addresses, tokens, environment.clock()),
                environment.clock());
        Exchange budgeted = guarded
                ? new QuotaExchange(
                        authentication,
                        endpoint,
                        budgets,
                        tooMany,
                        holds,
                        errors,
                        safeguards.repeats() ? QuotaExchange.Waiting.PATIENT : QuotaExchange.Waiting.NEVER,
                        clock,
                        environment)
                : authentication;
        this.hedged = new HedgedExchange(budgeted, budgets::mayCost, slots::hasRoom, environment.nanoTime());
        this.calls = new Calls(
                safeguards.hedges() ? hedged : budgeted,
                errors,
                breakers,
                sightings,
                safeguards.repeats(),
                environment);
    }

    private static Set<String> named(RegistryEndpoint endpoint, ProxyRules proxies) {
        Set<String> result = new HashSet<>();
        endpoint.trustedRealmHosts().forEach(host -> result.add(Origin.bareHost(host.hostWithoutPort())));
        proxies.all().forEach(proxy -> result.add(Origin.bareHost(proxy.getHost())));
        return result;
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

    RemoteRepository repository(RepositoryName name, Priority priority, long partBytes) {
        Repository repository = new Repository(endpoint.registry(), name);
        RepositoryRequests requests = new RepositoryRequests(endpoint.baseUrl(), repository, priority);
        return new RemoteRepository(requests, calls, memory, validators, partBytes);
    }

    /**
     * Asks whether the registry is there and takes the credentials ({@code GET /v2/}).
     *
     * @throws dev.entrepot.oci.RegistryException if it is not, or does not
     */
    public void ping() throws IOException {
        URI url = URI.create(RepositoryRequests.api(endpoint.baseUrl()));
        ApiRequest request =
                ApiRequest.of(Operation.PING, "asking " + endpoint.registry(), "GET", url, Priority.INTERACTIVE);
        calls.call(request, response -> {
            if (response.status() != 200) {
                throw calls.errors().failure(response);
            }
            if (response.isHtml()) {
                throw calls.errors().html(response);
            }
            return true;
        });
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
        PageReads.Page<RepositoryName> page = new PageReads(calls).read(request, "repositories", RepositoryName::new);
        return new CatalogPage(page.names(), page.next());
    }

    /** What is known of the registry, without asking it. */
    public UpstreamState state() {
        Optional<Sightings.Outage> outage = sightings.lastOutage();
        return new UpstreamState(
                authentication.scheme(),
                budgets.account(Optional.empty()),
                sightings.lastAnswer(),
                outage.map(Sightings.Outage::at),
                outage.map(Sightings.Outage::message),
                memory.states(),
                hedged.state(),
                budgets.states(),
                tooMany.answers(),
                tooMany.stops(),
                breakers.states());
    }

    /** Cuts all connections, those to mirrors too. Repositories of this client must not be used any more. */
    @Override
    public void close() {
        mirrors.forEach(mirror -> mirror.client().close());
        transport.close();
    }
}
