package dev.entrepot.config;

import dev.entrepot.oci.RegistryHost;
import java.net.URI;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Where traces of requests are sent.
 *
 * @param endpoint where spans are posted, by OTLP over HTTP: the whole URL, mostly with the path {@code /v1/traces}
 * @param headers header fields of these requests; they may be secrets
 * @param ca PEM file with authorities to trust in place of the platform's
 * @param oneIn of how many traces that begin here one is kept, at least 1; traces that clients began are kept if the
 *     client keeps them
 * @param tell upstreams that are told which trace a request belongs to
 */
public record TracingConfig(
        URI endpoint, Map<FieldName, Secret> headers, Optional<Path> ca, int oneIn, List<RegistryHost> tell) {
    /** Copies the collections, and validates the share. */
    public TracingConfig {
        headers = Collections.unmodifiableMap(new LinkedHashMap<>(headers));
        tell = List.copyOf(tell);
        headers.values().forEach(TracingConfig::checkHeader);
        Checks.between("one-in", oneIn, 1, 1_000_000);
        if (ca.isPresent() && !"https".equalsIgnoreCase(endpoint.getScheme())) {
            throw new InvalidValueException("ca", "no certificate authority for a plain http endpoint");
        }
    }

    // What cannot be sent would be quoted when it fails.
    private static void checkHeader(Secret value) {
        if (value.reveal().chars().anyMatch(c -> c < ' ' || c > '~')) {
            throw new InvalidValueException("headers", "values of printable ASCII characters");
        }
    }

    /** Without the query of the endpoint, which may be a secret. */
    @Override
    public String toString() {
        return "TracingConfig[" + endpoint.getScheme() + "://" + endpoint.getAuthority() + "]";
    }
}
