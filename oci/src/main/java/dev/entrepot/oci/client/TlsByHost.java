package dev.entrepot.oci.client;

import java.io.IOException;
import java.net.Socket;
import java.util.Set;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import javax.net.ssl.SSLSocket;
import org.apache.hc.client5.http.ssl.TlsSocketStrategy;
import org.apache.hc.core5.http.protocol.HttpContext;
import org.jspecify.annotations.Nullable;

/**
 * TLS that shows the client certificate to the registry's own origin and to the token services that the operator named.
 * Wherever else a registry leads, nobody learns who this is, and nothing opens that would open to the certificate. Safe
 * for all threads.
 */
final class TlsByHost implements TlsSocketStrategy {
    private static final int STANDARD_PORT = 443;

    private final Origin own;
    private final Set<String> named;
    private final TlsSocketStrategy showing;
    private final TlsSocketStrategy nameless;

    private TlsByHost(Origin own, Set<String> named, TlsSocketStrategy showing, TlsSocketStrategy nameless) {
        this.own = own;
        this.named = named;
        this.showing = showing;
        this.nameless = nameless;
    }

    /**
     * How connections for a registry get their TLS.
     *
     * @param nanoTime time that does not go back
     * @throws IOException if a file of the settings cannot be read or does not hold what it should
     */
    static TlsSocketStrategy of(RegistryEndpoint endpoint, LongSupplier nanoTime) throws IOException {
        TlsSettings tls = endpoint.tls();
        if (tls.clientCertificate().isEmpty()) {
            return TlsOnFirstUse.of(tls, nanoTime);
        }
        Set<String> named =
                endpoint.trustedRealmHosts().stream().map(Object::toString).collect(Collectors.toUnmodifiableSet());
        return new TlsByHost(
                Origin.of(endpoint.baseUrl()),
                named,
                TlsOnFirstUse.of(tls, nanoTime),
                TlsOnFirstUse.of(tls.withoutClientCertificate(), nanoTime));
    }

    @Override
    public SSLSocket upgrade(
            Socket socket, String target, int port, @Nullable Object attachment, @Nullable HttpContext context)
            throws IOException {
        TlsSocketStrategy strategy = isTrusted(target, port < 0 ? STANDARD_PORT : port) ? showing : nameless;
        return strategy.upgrade(socket, target, port, attachment, context);
    }

    private boolean isTrusted(String target, int port) {
        String host = Origin.bareHost(target);
        return host.equals(own.host()) && port == own.port()
                || named.contains(host)
                || named.contains(host + ":" + port);
    }
}
