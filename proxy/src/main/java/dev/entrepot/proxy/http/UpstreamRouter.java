package dev.entrepot.proxy.http;

import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.RepositoryName;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Decides which upstream a request means, by the first of these that says something: {@code ?ns=} (distribution-spec,
 * "Registry Proxying"), the path prefix before {@code /v2}, the {@code Host} header, the first path component, the
 * default upstream. The map is closed: a registry that is not configured is unknown, so that this is never an open
 * proxy. What else Docker Hub is called means {@code docker.io}, unless an upstream claims it. Immutable.
 */
public final class UpstreamRouter {
    private final Map<String, RegistryHost> byName = new HashMap<>();
    private final Map<String, RegistryHost> byHost = new HashMap<>();
    private final Map<String, RegistryHost> byHostOfAnyPort = new HashMap<>();
    private final Optional<RegistryHost> defaultUpstream;
    private final String served;

    /**
     * Builds the map.
     *
     * @throws IllegalArgumentException if two upstreams claim the same name, or the default is not among them
     */
    public UpstreamRouter(List<UpstreamNames> upstreams, Optional<RegistryHost> defaultUpstream) {
        for (UpstreamNames upstream : upstreams) {
            RegistryHost registry = upstream.registry();
            claim(byName, registry.value(), registry);
            claim(byHost, registry.value(), registry);
            upstream.aliases().forEach(alias -> claim(byName, alias, registry));
            upstream.hosts().forEach(host -> {
                claim(byHost, host, registry);
                claim(byHostOfAnyPort, host, registry);
            });
        }
        defaultUpstream.ifPresent(name -> {
            if (!byName.containsKey(name.value())) {
                throw new IllegalArgumentException("the default upstream " + name + " is not configured");
            }
        });
        this.defaultUpstream = defaultUpstream;
        this.served = String.join(", ", new TreeSet<>(byName.keySet()));
        if (byName.containsKey(RegistryHost.DOCKER_HUB.value())) {
            takeOtherNamesOfDockerHub();
        }
    }

    // As hosts, too: who leads clients here by DNS is asked under the name of Hub's API. What another upstream claims,
    // if only as a host or only as an alias, means Docker Hub nowhere.
    private void takeOtherNamesOfDockerHub() {
        for (RegistryHost other : RegistryHost.OTHER_NAMES_OF_DOCKER_HUB) {
            String name = other.value();
            if (Stream.of(byName, byHost)
                    .map(map -> map.getOrDefault(name, RegistryHost.DOCKER_HUB))
                    .allMatch(RegistryHost.DOCKER_HUB::equals)) {
                byName.put(name, RegistryHost.DOCKER_HUB);
                byHost.put(name, RegistryHost.DOCKER_HUB);
            }
        }
    }

    private static void claim(Map<String, RegistryHost> map, String name, RegistryHost registry) {
        RegistryHost other = map.putIfAbsent(lowerCase(name), registry);
        if (other != null && !other.equals(registry)) {
            throw new IllegalArgumentException("both " + other + " and " + registry + " claim the name " + name);
        }
    }

    /**
     * Routes a request for a repository.
     *
     * @param host the {@code Host} header
     * @throws NotFoundException of kind NAME if the registry that is meant is not configured, or the request
     *     contradicts itself
     */
    Route route(RequestedName name, String host) throws NotFoundException {
        RequestScope scope = name.scope();
        RegistryHost stated = statedRegistry(scope, host);
        String path = withPrefixRest(scope, name.path());
        int slash = path.indexOf('/');
        RegistryHost first =
                slash < 0 ? null : byName.get(path.substring(0, slash).toLowerCase(Locale.ROOT));
        if (stated != null) {
            boolean again = stated.equals(first) && saysAgain(path, slash, scope, host, stated);
            return new Route(repository(stated, again ? path.substring(slash + 1) : path), scope.namespace());
        }
        if (first != null) {
            return new Route(repository(first, path.substring(slash + 1)), "");
        }
        if (slash >= 0 && looksLikeHost(path, slash)) {
            throw unknown(path.substring(0, slash));
        }
        RegistryHost registry = defaultUpstream.orElseThrow(() -> new NotFoundException(
                NotFoundException.Kind.NAME,
                byName.isEmpty()
                        ? "this mirror has no upstream"
                        : "no default upstream is configured; put one of these before the name: " + served));
        return new Route(repository(registry, path), "");
    }

    // BuildKit sends both ?ns= and the registry in the path, by the name that its configuration has. But a name of a
    // repository may begin with another registry's name, and with an alias of its own registry (quay.io/quay/busybox):
    // where the prefix or the Host header says which registry is meant, the path is the name.
    private boolean saysAgain(String path, int slash, RequestScope scope, String host, RegistryHost stated) {
        return looksLikeHost(path, slash) || scope.prefix().isEmpty() && !stated.equals(byHost(host));
    }

    /**
     * The registry that a request names without regard to its path.
     *
     * @return empty if it names none
     * @throws NotFoundException of kind NAME if it names one that is not configured, or contradicts itself
     */
    Optional<RegistryHost> registryOf(RequestScope scope, String host) throws NotFoundException {
        return Optional.ofNullable(statedRegistry(scope, host));
    }

    /** Whether a registry is configured. */
    boolean serves(RegistryHost registry) {
        return registry.equals(byName.get(registry.value()));
    }

    private @Nullable RegistryHost statedRegistry(RequestScope scope, String host) throws NotFoundException {
        RegistryHost byNamespace = scope.namespace().isEmpty() ? null : named(scope.namespace());
        if (scope.prefix().isEmpty()) {
            return byNamespace != null ? byNamespace : byHost(host);
        }
        RegistryHost byPrefix = named(firstComponent(scope.prefix()));
        if (byNamespace != null && !byNamespace.equals(byPrefix)) {
            throw new NotFoundException(
                    NotFoundException.Kind.NAME,
                    "the request names two registries: " + byNamespace + " in ?ns= and " + byPrefix
                            + " in the path before /v2");
        }
        return byPrefix;
    }

    private RegistryHost named(String name) throws NotFoundException {
        RegistryHost registry = byName.get(lowerCase(name));
        if (registry == null) {
            throw unknown(name);
        }
        return registry;
    }

    // As RegistryHost does: only ASCII is folded, and what is not can be no name of a registry.
    private static String lowerCase(String name) {
        return name.chars().allMatch(c -> c < 128) ? name.toLowerCase(Locale.ROOT) : name;
    }

    // This process may well be at another port of the machine where a registry is, and is not that registry then.
    private @Nullable RegistryHost byHost(String host) {
        String lower = lowerCase(host);
        RegistryHost registry = byHost.get(lower);
        int colon = lower.lastIndexOf(':');
        if (registry != null || colon < 0) {
            return registry;
        }
        boolean usual = lower.endsWith(":443") || lower.endsWith(":80");
        return (usual ? byHost : byHostOfAnyPort).get(lower.substring(0, colon));
    }

    /** What follows the first component of the prefix belongs to the name. */
    private static String withPrefixRest(RequestScope scope, String path) {
        int slash = scope.prefix().indexOf('/');
        return slash < 0 ? path : scope.prefix().substring(slash + 1) + "/" + path;
    }

    private static String firstComponent(String path) {
        int slash = path.indexOf('/');
        return slash < 0 ? path : path.substring(0, slash);
    }

    private static boolean looksLikeHost(String path, int slash) {
        for (int i = 0; i < slash; i++) {
            if (path.charAt(i) == '.' || path.charAt(i) == ':') {
                return true;
            }
        }
        return slash == "localhost".length() && path.startsWith("localhost");
    }

    private static Repository repository(RegistryHost registry, String name) {
        boolean official = registry.isDockerHub() && name.indexOf('/') < 0;
        return new Repository(registry, new RepositoryName(official ? "library/" + name : name));
    }

    private NotFoundException unknown(String registry) {
        return new NotFoundException(
                NotFoundException.Kind.NAME,
                "registry \"" + Text.printable(registry, 120)
                        + "\" is not one that this mirror serves; configured are: "
                        + (byName.isEmpty() ? "none" : served));
    }
}
