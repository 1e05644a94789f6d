package dev.entrepot.oci.client;

import java.io.IOException;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import org.apache.hc.client5.http.DnsResolver;
import org.apache.hc.client5.http.SystemDefaultDnsResolver;

/**
 * What all requests to one registry share, with whatever credential they are made: connections, slots, breakers, and
 * what is remembered of the registry. No credential and no token is here. Safe for all threads.
 *
 * @param transport the connections
 * @param addresses which addresses may be connected to
 * @param redirected sends requests, within the slots, and follows redirects
 * @param toTokens sends requests to token services
 * @param slots how many requests there may be at one time
 * @param errors makes exceptions of answers
 * @param breakers the circuit breakers
 * @param holds until when the registry is left alone
 * @param limits says in the log when that begins and ends
 * @param tooMany counts answers of 429
 * @param sightings when it last answered
 * @param memory what its repositories have shown that they can do
 * @param singlePosts whether it takes small blobs in one request
 * @param clock time that does not go back
 * @param safeguards what keeps from asking in vain
 * @param environment the world around it
 */
record Foundation(
        HttpTransport transport,
        AddressPolicy addresses,
        Exchange redirected,
        Exchange toTokens,
        RequestLimiter slots,
        StatusErrors errors,
        Breakers breakers,
        Holds holds,
        LimitLog limits,
        TooManyCounts tooMany,
        Sightings sightings,
        CapabilityMemory memory,
        SinglePosts singlePosts,
        SteadyClock clock,
        Safeguards safeguards,
        ClientEnvironment environment) {
    /**
     * Lays it; connects to nothing yet.
     *
     * @param called its name in the log
     * @throws IOException if the endpoint's TLS files cannot be read
     */
    static Foundation open(
            RegistryEndpoint endpoint, String called, Safeguards safeguards, ClientEnvironment environment)
            throws IOException {
        return open(endpoint, called, safeguards, environment, SystemDefaultDnsResolver.INSTANCE);
    }

    /**
     * As above, where names are resolved in another way.
     *
     * @param called its name in the log
     * @param names all addresses of a host, before the policy says which of them may be connected to
     */
    static Foundation open(
            RegistryEndpoint endpoint,
            String called,
            Safeguards safeguards,
            ClientEnvironment environment,
            DnsResolver names)
            throws IOException {
        SteadyClock clock = new SteadyClock(environment.clock(), environment.nanoTime());
        ProxyRules proxies = new ProxyRules(endpoint.httpProxy(), environment.variables());
        AddressPolicy addresses =
                new AddressPolicy(Origin.of(endpoint.baseUrl()).host(), named(endpoint, proxies), names);
        HttpTransport transport = HttpTransport.open(endpoint, proxies, addresses, environment);
        WireExchange wire = new WireExchange(transport, endpoint, environment);
        StatusErrors errors = new StatusErrors(environment.clock());
        Breakers breakers = safeguards.breakers()
                ? new Breakers(called, meanwhile(endpoint, safeguards), clock)
                : new Breakers(clock);
        Holds holds = new Holds(clock);
        TooManyCounts tooMany = new TooManyCounts();
        Exchange toTokens = new RedirectExchange(PacedExchange.counting(wire, errors), addresses);
        RequestLimiter slots = new RequestLimiter(endpoint.maxConcurrentRequests(), endpoint.servesClients(), clock);
        Exchange limited = new LimitedExchange(
                wire,
                slots,
                new RequestLimiter(endpoint.maxConcurrentBodies(), endpoint.servesClients(), clock),
                endpoint.progressTimeout());
        return new Foundation(
                transport,
                addresses,
                new RedirectExchange(PacedExchange.waiting(limited, errors), addresses),
                toTokens,
                slots,
                errors,
                breakers,
                holds,
                new LimitLog(Optional.of(called), clock),
                tooMany,
                new Sightings(environment.clock()),
                new CapabilityMemory(environment.clock(), environment.nanoTime()),
                new SinglePosts(environment.nanoTime()),
                clock,
                safeguards,
                environment);
    }

    /**
     * The same connections, slots and memory, beside what is known of outages and holds: nothing that is asked there
     * tells anything to those who are asked here.
     */
    Foundation aside() {
        return new Foundation(
                transport,
                addresses,
                redirected,
                toTokens,
                slots,
                errors,
                new Breakers(clock),
                new Holds(clock),
                new LimitLog(Optional.empty(), clock),
                new TooManyCounts(),
                new Sightings(environment.clock()),
                memory,
                singlePosts,
                clock,
                safeguards,
                environment);
    }

    /**
     * How token services are asked.
     *
     * @param left what is known of when they want to be left alone
     * @param said says in the log when that begins and ends
     */
    Calls tokenCalls(Holds left, LimitLog said) {
        return new Calls(
                safeguards.quota().isPresent() ? new TokenHolds(toTokens, tooMany, left, said, errors) : toTokens,
                errors,
                breakers,
                new Sightings(environment.clock()),
                safeguards.repeats(),
                environment);
    }

    private static String meanwhile(RegistryEndpoint endpoint, Safeguards safeguards) {
        if (!safeguards.repeats()) {
            return "the next place is asked";
        }
        return endpoint.servesClients() ? "what is kept is served" : "what is asked of it fails until it answers";
    }

    private static Set<String> named(RegistryEndpoint endpoint, ProxyRules proxies) {
        Set<String> result = new HashSet<>();
        endpoint.trustedRealmHosts().forEach(host -> result.add(Origin.bareHost(host.hostWithoutPort())));
        proxies.all().forEach(proxy -> result.add(Origin.bareHost(proxy.getHost())));
        return result;
    }
}
