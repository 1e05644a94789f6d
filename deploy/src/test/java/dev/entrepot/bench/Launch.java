package dev.entrepot.bench;

import java.nio.file.Path;
import java.util.Optional;

/**
 * How a server is to be started.
 *
 * @param upstream the registry behind it
 * @param certificate folder with {@code cert.pem} and {@code key.pem}; plain HTTP without one
 * @param javaOptions options of the JVM, for servers that have one
 */
record Launch(Place upstream, Optional<Path> certificate, String javaOptions) {
    /** Plain HTTP, with the server's own options. */
    static Launch plain(Place upstream) {
        return new Launch(upstream, Optional.empty(), "");
    }

    /** TLS, with the server's own options. */
    static Launch tls(Place upstream, Path certificate) {
        return new Launch(upstream, Optional.of(certificate), "");
    }
}
