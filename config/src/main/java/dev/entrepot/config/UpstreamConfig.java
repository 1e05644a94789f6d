package dev.entrepot.config;

import dev.entrepot.oci.RegistryHost;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * A registry that content is fetched from.
 *
 * @param name its name in references
 * @param url where its API is: scheme, host and port only; plain HTTP if, and only if, the scheme is {@code http}
 * @param credentials how to authenticate; anonymous without
 * @param passThrough whether it is asked with the credentials of each client in place of ours
 * @param mirrors places that are asked before {@code url}, in order
 * @param hosts more host names under which clients reach this process and mean this registry
 * @param aliases first path components that mean this registry, besides its name
 * @param ca PEM file with the authorities to trust in addition to the platform's
 * @param clientCertificate certificate to show to it
 * @param proxy HTTP proxy to reach it through, {@code http://host:port}
 * @param tokenRealms hosts, besides its own, whose token services may be sent the credentials
 * @param maxConcurrentRequests requests at one time, at least 1
 * @param quotaReserve what of its pull quota is left to clients
 * @param hedge whether a small request that takes long is sent a second time
 * @param probe what a check asks it for as long as nothing of it is kept
 * @param freshFor overrides {@link CacheConfig#freshFor()}
 * @param staleFor overrides {@link CacheConfig#staleFor()}
 * @param rules how what comes from it is cached, before those for all upstreams
 */
public record UpstreamConfig(
        RegistryHost name,
        URI url,
        Optional<CredentialsConfig> credentials,
        Optional<PassThroughConfig> passThrough,
        List<MirrorConfig> mirrors,
        List<RegistryHost> hosts,
        List<String> aliases,
        Optional<Path> ca,
        Optional<ClientCertificate> clientCertificate,
        Optional<URI> proxy,
        List<RegistryHost> tokenRealms,
        int maxConcurrentRequests,
        QuotaReserve quotaReserve,
        boolean hedge,
        Optional<ProbedImage> probe,
        Optional<Duration> freshFor,
        Optional<Duration> staleFor,
        List<CacheRuleConfig> rules) {
    /** Requests at one time where nothing else is configured. */
    public static final int DEFAULT_MAX_CONCURRENT_REQUESTS = 32;

    /** Copies the lists and validates the limits. */
    public UpstreamConfig {
        mirrors = List.copyOf(mirrors);
        hosts = List.copyOf(hosts);
        aliases = List.copyOf(aliases);
        rules = List.copyOf(rules);
        tokenRealms = List.copyOf(tokenRealms);
        Checks.between("max-concurrent-requests", maxConcurrentRequests, 1, 10_000);
        freshFor.ifPresent(value -> Checks.notNegative("fresh-for", value));
        staleFor.ifPresent(value -> Checks.notNegative("stale-for", value));
        boolean tls = "https".equals(url.getScheme());
        if (!tls && ca.isPresent()) {
            throw new InvalidValueException("ca", "no certificate authority for a plain http url");
        }
        if (!tls && clientCertificate.isPresent()) {
            throw new InvalidValueException("client-certificate", "no client certificate for a plain http url");
        }
        refuseRepeated(url, mirrors);
        if (passThrough.isPresent()) {
            refuseBesidePassThrough("credentials", credentials.isPresent());
            refuseBesidePassThrough("client-certificate", clientCertificate.isPresent());
            refuseBesidePassThrough("mirrors", !mirrors.isEmpty());
        }
    }

    // What is answered to us must have been answered to the client.
    private static void refuseBesidePassThrough(String key, boolean there) {
        if (there) {
            throw new InvalidValueException(
                    "pass-through",
                    "no " + key + " beside it: only the client's own credentials may open this registry");
        }
    }

    private static void refuseRepeated(URI url, List<MirrorConfig> mirrors) {
        Set<String> places = new HashSet<>();
        places.add(UrlTypes.endpoint(url));
        for (MirrorConfig mirror : mirrors) {
            String place = UrlTypes.endpoint(mirror.url())
                    + mirror.prefix().map(prefix -> "/" + prefix).orElse("");
            if (!places.add(place)) {
                throw new InvalidValueException("mirrors", "each place once, and not the upstream itself: " + place);
            }
        }
    }

    /** This, without rules and times about caching, which may change while the program runs. */
    public UpstreamConfig withoutRules() {
        return new UpstreamConfig(
                name,
                url,
                credentials,
                passThrough,
                mirrors,
                hosts,
                aliases,
                ca,
                clientCertificate,
                proxy,
                tokenRealms,
                maxConcurrentRequests,
                quotaReserve,
                hedge,
                probe,
                Optional.empty(),
                Optional.empty(),
                List.of());
    }

    /** An anonymous upstream with every other setting at its default. */
    public static UpstreamConfig of(RegistryHost name, URI url) {
        return new UpstreamConfig(
                name,
                url,
                Optional.empty(),
                Optional.empty(),
                List.of(),
                List.of(),
                List.of(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                List.of(),
                DEFAULT_MAX_CONCURRENT_REQUESTS,
                QuotaReserve.DEFAULT,
                true,
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                List.of());
    }
}
