package dev.entrepot.oci.client;

import dev.entrepot.oci.RegistryHost;
import java.net.URI;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Decides what a token service that a registry names in a challenge may be sent. A challenge comes from outside: whoever can answer for
 * the registry could otherwise collect its credentials, or send this process anywhere.
 *
 * <p>Credentials go to the registry's own host, to hosts of its domain, to the well-known token services of some public registries, and
 * to hosts that the configuration trusts. Other hosts are asked anonymously, if at all (see {@link AddressPolicy}), and never over plain
 * HTTP unless the registry itself is.
 */
final class RealmPolicy {
    // Public registries whose token service is in another domain than the registry.
    private static final Map<String, Set<String>> WELL_KNOWN = Map.of(
            "docker.io", Set.of("auth.docker.io"),
            "registry-1.docker.io", Set.of("auth.docker.io"),
            "nvcr.io", Set.of("authn.nvidia.com"));

    // Domains below which every name may have another owner. Not the whole public suffix list: those that registries
    // are found in.
    private static final Set<String> SHARED = Set.of(
            "azurecr.io",
            "azurecr.cn",
            "azurecr.us",
            "pkg.dev",
            "run.app",
            "googleapis.com",
            "cloudfront.net",
            "azurewebsites.net",
            "jfrog.io",
            "github.io",
            "gitlab.io",
            "ghe.com",
            "herokuapp.com",
            "vercel.app",
            "netlify.app",
            "workers.dev",
            "fly.dev",
            "ngrok.io",
            "duckdns.org",
            "myqcloud.com",
            "aliyuncs.com",
            "ocir.io",
            "icr.io",
            "nip.io",
            "sslip.io");

    // Domains with regions or services between the owner's label and the shared part, so that no number of labels tells
    // owners apart: there, only a host itself is trusted.
    private static final List<String> SHARED_AT_ANY_DEPTH = List.of(
            ".amazonaws.com",
            ".amazonaws.com.cn",
            ".amazonaws.eu",
            ".on.aws",
            ".on.amazonwebservices.com.cn",
            ".windows.net");

    // Second-level labels that stand before a country, as in co.uk.
    private static final Set<String> SECOND_LEVEL = Set.of(
            "co", "com", "net", "org", "edu", "gov", "ac", "or", "ne", "go", "gob", "gv", "mil", "nom", "ltd", "plc");

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

    /** The part of a name that one owner registered, approximately; empty for addresses, single labels and shared domains themselves. */
    static Optional<String> domain(String host) {
        String lower = host.toLowerCase(Locale.ROOT);
        if (AddressPolicy.literal(host).isPresent()
                || SHARED_AT_ANY_DEPTH.stream().anyMatch(lower::endsWith)) {
            return Optional.empty();
        }
        List<String> labels = Arrays.asList(lower.split("\\.", -1));
        int count = labels.size();
        for (int suffix = Math.min(count, 4); suffix >= 1; suffix--) {
            if (isShared(labels.subList(count - suffix, count))) {
                return suffix == count
                        ? Optional.empty()
                        : Optional.of(String.join(".", labels.subList(count - suffix - 1, count)));
            }
        }
        return Optional.empty();
    }

    private static boolean isShared(List<String> suffix) {
        return switch (suffix.size()) {
            case 1 -> true;
            case 2 ->
                SHARED.contains(String.join(".", suffix))
                        || suffix.get(1).length() == 2 && SECOND_LEVEL.contains(suffix.get(0));
            default -> SHARED.contains(String.join(".", suffix));
        };
    }
}
