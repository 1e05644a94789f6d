package dev.entrepot.proxy.http;

import dev.entrepot.oci.RegistryHost;
import java.util.List;

/**
 * The names under which clients reach one upstream.
 *
 * @param registry the registry's name in references
 * @param aliases other first path components, namespaces or prefixes that mean it, for example {@code hub}
 * @param hosts values of the {@code Host} header that mean it, with or without port
 */
public record UpstreamNames(RegistryHost registry, List<String> aliases, List<String> hosts) {
    /** Copies the lists. */
    public UpstreamNames {
        aliases = List.copyOf(aliases);
        hosts = List.copyOf(hosts);
    }

    /** An upstream that is reached by its own name only. */
    public static UpstreamNames of(RegistryHost registry) {
        return new UpstreamNames(registry, List.of(), List.of());
    }
}
