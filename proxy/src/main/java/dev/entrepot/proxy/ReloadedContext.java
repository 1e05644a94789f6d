package dev.entrepot.proxy;

import io.helidon.common.tls.Tls;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.security.KeyManagementException;
import java.security.SecureRandom;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLContextSpi;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLServerSocketFactory;
import javax.net.ssl.SSLSessionContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManager;

/**
 * What the server makes TLS connections with: the certificate that is in effect at that moment, and the wish for one of
 * the client. The server itself (Helidon 4.5.0 with blocking sockets) forgets that wish, even where certificates are
 * required, so that it is expressed here, on each socket. A certificate that replaces another begins with no sessions.
 * Safe for all threads.
 */
final class ReloadedContext extends SSLContextSpi {
    private volatile ServerCertificate current;

    /** Begins with a certificate. */
    ReloadedContext(ServerCertificate first) {
        this.current = first;
    }

    /** From the next handshake on, this one is shown. */
    void replace(ServerCertificate next) {
        current = next;
    }

    /** The certificate that is shown now. */
    ServerCertificate current() {
        return current;
    }

    /** What the server is set up with. */
    Tls tls() {
        SSLContext delegate = current.context();
        return Tls.builder()
                .sslContext(new SSLContext(this, delegate.getProvider(), delegate.getProtocol()) {})
                .build();
    }

    @Override
    protected SSLSocketFactory engineGetSocketFactory() {
        return new Sockets(current);
    }

    @Override
    protected SSLServerSocketFactory engineGetServerSocketFactory() {
        // Asked for when the server is set up, and not used: connections are accepted before TLS begins.
        return current.context().getServerSocketFactory();
    }

    @Override
    protected SSLEngine engineCreateSSLEngine() {
        SSLEngine engine = current.context().createSSLEngine();
        engine.setUseClientMode(false);
        engine.setWantClientAuth(current.asks());
        if (current.requires()) {
            engine.setNeedClientAuth(true);
        }
        return engine;
    }

    @Override
    protected SSLEngine engineCreateSSLEngine(String host, int port) {
        return engineCreateSSLEngine();
    }

    @Override
    protected SSLSessionContext engineGetServerSessionContext() {
        return current.context().getServerSessionContext();
    }

    @Override
    protected SSLSessionContext engineGetClientSessionContext() {
        return current.context().getClientSessionContext();
    }

    @Override
    protected void engineInit(KeyManager[] keys, TrustManager[] trust, SecureRandom random)
            throws KeyManagementException {
        throw new KeyManagementException("this is made ready to use");
    }

    /** Sockets of the server's side. */
    private static final class Sockets extends SSLSocketFactory {
        private final ServerCertificate certificate;
        private final SSLSocketFactory factory;

        Sockets(ServerCertificate certificate) {
            this.certificate = certificate;
            this.factory = certificate.context().getSocketFactory();
        }

        @Override
        public Socket createSocket(Socket accepted, InputStream consumed, boolean autoClose) throws IOException {
            // The server (Helidon 4.5.0) closes nothing but the socket over TLS, and says that this is not to close
            // the one beneath it, which would stay open until the process ends.
            SSLSocket socket = (SSLSocket) factory.createSocket(accepted, consumed, true);
            socket.setWantClientAuth(certificate.asks());
            if (certificate.requires()) {
                socket.setNeedClientAuth(true);
            }
            return socket;
        }

        @Override
        public String[] getDefaultCipherSuites() {
            return factory.getDefaultCipherSuites();
        }

        @Override
        public String[] getSupportedCipherSuites() {
            return factory.getSupportedCipherSuites();
        }

        @Override
        public Socket createSocket(Socket socket, String host, int port, boolean autoClose) {
            throw notAClient();
        }

        @Override
        public Socket createSocket(String host, int port) {
            throw notAClient();
        }

        @Override
        public Socket createSocket(String host, int port, InetAddress local, int localPort) {
            throw notAClient();
        }

        @Override
        public Socket createSocket(InetAddress host, int port) {
            throw notAClient();
        }

        @Override
        public Socket createSocket(InetAddress host, int port, InetAddress local, int localPort) {
            throw notAClient();
        }

        private static UnsupportedOperationException notAClient() {
            return new UnsupportedOperationException("these are sockets of the server's side");
        }
    }
}
