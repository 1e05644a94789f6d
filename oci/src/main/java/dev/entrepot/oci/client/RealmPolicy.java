package dev.entrepot.oci.client;

import dev.entrepot.oci.RegistryHost;
import java.net.URI;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.hc.client5.http.psl.PublicSuffixMatcher;
import org.apache.hc.client5.http.psl.PublicSuffixMatcherLoader;

/**
 * Decides what a token service that a registry names in a challenge may be sent. A challenge comes from outside:
 * whoever can answer for the registry could otherwise collect its credentials, or send this process anywhere.
 *
 * <p>Credentials go to the registry's own host, to hosts of its domain, to the well-known token services of some public
 * registries, and to hosts that the configuration trusts. Other hosts are asked anonymously, if at all (see
 * {@link AddressPolicy}), and never over plain HTTP unless the registry itself is.
 */
final class RealmPolicy {
    // Public registries whose token service is in another domain than the registry.
    private static final Map<String, Set<String>> WELL_KNOWN = Map.of(
            "docker.io", Set.of("auth.docker.io"),
            "registry-1.docker.io", Set.of("auth.docker.io"),
            "nvcr.io", Set.of("authn.nvidia.com"));

    // Domains of providers whose names, at any depth, belong to many owners, and which the public suffix list does not
    // know or not in full: there, only a host itself is trusted.
    private static final List<String> SHARED = List.of(
            "aliyuncs.com",
            "amazonaws.com",
            "amazonaws.com.cn",
            "amazonaws.eu",
            "amazonwebservices.com.cn",
            "appdomain.cloud",
            "azure.cn",
            "azure.com",
            "azure.us",
            "azurecontainer.io",
            "azurecr.cn",
            "azurecr.io",
            "azurecr.us",
            "azurewebsites.net",
            "baidubce.com",
            "cloudapp.net",
            "cloudfront.net",
            "digitalocean.com",
            "duckdns.org",
            "fly.dev",
            "ghe.com",
            "github.io",
            "gitlab.io",
            "googleapis.com",
            "googleusercontent.com",
            "hcp.cloud",
            "herokuapp.com",
            "icr.io",
            "jfrog.io",
            "jfrog.com",
            "linode.com",
            "myhuaweicloud.com",
            "myqcloud.com",
            "netlify.app",
            "ngrok.io",
            "ngrok.app",
            "ngrok-free.app",
            "nip.io",
            "ntruss.com",
            "ocir.io",
            "on.aws",
            "ondigitalocean.app",
            "onrender.com",
            "oraclecloud.com",
            "ovh.ca",
            "ovh.net",
            "ovh.us",
            "pkg.dev",
            "railway.app",
            "run.app",
            "scw.cloud",
            "selcloud.ru",
            "sslip.io",
            "tencentcloudcr.com",
            "trafficmanager.net",
            "trycloudflare.com",
            "ts.net",
            "vercel.app",
            "volces.com",
            "vultrcr.com",
            "windows.net",
            "workers.dev",
            "yandexcloud.net");

    /** Read when a realm first needs it, which that of few registries does. */
    private static final class PublicSuffixes {
        private static final PublicSuffixMatcher LIST = PublicSuffixMatcherLoader.getDefault();
    }

    private final RegistryHost registry;
    private final Origin endpoint;
    private final Set<String> trusted;

    RealmPolicy(RegistryEndpoint endpoint) {
        this.registry = endpoint.registry();
        this.endpoint = Origin.of(endpoint.baseUrl());
        this.trusted =
                endpoint.trustedRealmHosts().stream().map(RegistryHost::value).collect(Collectors.toUnmodifiableSet());
    }

    /** What a realm may be sent. */
    sealed interface Verdict {
        /** Credentials, too. */
        record Trusted(URI realm) implements Verdict {}

        /** Anonymous requests only. */
        record AnonymousOnly(URI realm) implements Verdict {}

        /** Nothing; {@code reason} completes "the token service … is not asked: ". */
        record Refused(String reason) implements Verdict {}
    }

    /** Judges the {@code realm} of a challenge. */
    Verdict judge(String realm) {
        URI uri;
        Origin origin;
        try {
            uri = URI.create(realm.strip());
            origin = Origin.of(uri);
        } catch (IllegalArgumentException e) {
            return new Verdict.Refused("the realm of its challenge is no http(s) URL with a host");
        }
        if (uri.getRawUserInfo() != null || uri.getRawFragment() != null) {
            return new Verdict.Refused("the realm of its challenge holds user information or a fragment");
        }
        if (!origin.isSecure() && endpoint.isSecure()) {
            return new Verdict.Refused("the realm of its challenge is plain HTTP");
        }
        return isTrusted(origin) ? new Verdict.Trusted(uri) : new Verdict.AnonymousOnly(uri);
    }

    private boolean isTrusted(Origin realm) {
        String host = realm.host();
        return host.equals(endpoint.host())
                || trusted.contains(host)
                || trusted.contains(host + ":" + realm.port())
                || isWellKnown(registry.hostWithoutPort(), host)
                || isWellKnown(endpoint.host(), host)
                || isSameDomain(endpoint.host(), host);
    }

    private static boolean isWellKnown(String registryHost, String realmHost) {
        return WELL_KNOWN.getOrDefault(registryHost, Set.of()).contains(realmHost);
    }

    private static boolean isSameDomain(String one, String other) {
        Optional<String> domain = domain(one);
        return domain.isPresent() && domain.equals(domain(other));
    }

    /**
     * The part of a name that one owner registered, as the public suffix list has it; empty for addresses, single
     * labels, public suffixes and the domains of providers with many owners.
     */
    static Optional<String> domain(String host) {
        String lower = host.toLowerCase(Locale.ROOT);
        boolean shared = SHARED.stream().anyMatch(domain -> lower.equals(domain) || lower.endsWith("." + domain));
        return shared || AddressPolicy.literal(host).isPresent()
                ? Optional.empty()
                : Optional.ofNullable(PublicSuffixes.LIST.getDomainRoot(lower));
    }
}
