package dev.entrepot.bench;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * How a server is to be started.
 *
 * @param upstream the registry behind it
 * @param certificate folder with {@code cert.pem} and {@code key.pem}; plain HTTP without one
 * @param javaOptions options of the JVM, for servers that have one
 * @param cacheKeys more keys of our section {@code cache}, as {@code key: value}
 */
record Launch(Place upstream, Optional<Path> certificate, String javaOptions, List<String> cacheKeys) {
    /** With nothing special about the cache. */
    Launch(Place upstream, Optional<Path> certificate, String javaOptions) {
        this(upstream, certificate, javaOptions, List.of());
    }

    /** This, with keys of our section {@code cache}. */
    Launch withCache(String... keys) {
        return new Launch(upstream, certificate, javaOptions, List.of(keys));
    }

    /** Plain HTTP, with the server's own options. */
    static Launch plain(Place upstream) {
        return new Launch(upstream, Optional.empty(), "");
    }

    /** TLS, with the server's own options. */
    static Launch tls(Place upstream, Path certificate) {
        return new Launch(upstream, Optional.of(certificate), "");
    }
}
