package dev.entrepot.proxy;

import dev.entrepot.config.TlsConfig;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.PrivateKeyFile;
import dev.entrepot.proxy.access.PemAuthorities;
import io.helidon.common.configurable.Resource;
import io.helidon.common.pki.Keys;
import java.io.IOException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.cert.CertificateEncodingException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;

/**
 * The server's certificate and key, from PEM files.
 *
 * @param context what makes connections with them
 * @param asks whether clients are asked for a certificate
 * @param requires whether they must have one
 * @param notAfter when the certificate expires
 * @param fingerprint of the certificate's DER form
 */
record ServerCertificate(SSLContext context, boolean asks, boolean requires, Instant notAfter, Digest fingerprint) {
    // Who has shown a certificate is not asked again while his session lasts, whatever became of its authority.
    private static final Duration SESSION_OF_CLIENTS = Duration.ofMinutes(5);

    /**
     * Reads and checks the files. The key must be that of the certificate: a server with another starts, and then fails
     * every handshake.
     *
     * @throws IOException if a file cannot be read, or the key is another's; the message names the files
     */
    static ServerCertificate load(TlsConfig config) throws IOException {
        return load(config, managers -> managers);
    }

    /** As above, of which {@code refused} notes the certificates of clients that are refused. */
    static ServerCertificate load(TlsConfig config, RefusedCertificates refused) throws IOException {
        return load(config, refused::watched);
    }

    private static ServerCertificate load(TlsConfig config, UnaryOperator<TrustManager[]> judges) throws IOException {
        List<X509Certificate> chain = chain(config.certificate());
        PrivateKey key;
        try {
            key = PrivateKeyFile.read(config.key());
        } catch (IOException e) {
            throw new IOException("cannot read the key of the server's certificate: " + FailureWords.of(e), e);
        }
        if (!belongs(key, chain.getFirst().getPublicKey())) {
            throw new IOException(
                    "the key " + config.key() + " is not that of the first certificate in " + config.certificate());
        }
        boolean required = config.clientCertificates() == TlsConfig.ClientCertificates.REQUIRED;
        Optional<TrustManager[]> clients = config.clientCa().isPresent()
                ? Optional.of(
                        judges.apply(PemAuthorities.trusting(config.clientCa().get(), "clients' certificates")))
                : Optional.empty();
        return new ServerCertificate(
                context(key, chain, clients),
                clients.isPresent(),
                required,
                chain.getFirst().getNotAfter().toInstant(),
                fingerprint(chain.getFirst()));
    }

    private static List<X509Certificate> chain(Path file) throws IOException {
        try {
            List<X509Certificate> chain = Keys.builder()
                    .pem(pem -> pem.certChain(Resource.create(file)))
                    .build()
                    .certChain();
            if (chain.isEmpty()) {
                throw new IllegalArgumentException("no certificate");
            }
            return chain;
        } catch (RuntimeException e) {
            throw new IOException("cannot read the server's certificate " + file + ": " + e.getMessage(), e);
        }
    }

    private static SSLContext context(PrivateKey key, List<X509Certificate> chain, Optional<TrustManager[]> clients)
            throws IOException {
        try {
            KeyStore own = KeyStore.getInstance("PKCS12");
            own.load(null, null);
            own.setKeyEntry("server", key, new char[0], chain.toArray(X509Certificate[]::new));
            KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
            keys.init(own, new char[0]);
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(keys.getKeyManagers(), clients.orElse(null), null);
            if (clients.isPresent()) {
                context.getServerSessionContext().setSessionTimeout((int) SESSION_OF_CLIENTS.toSeconds());
            }
            return context;
        } catch (GeneralSecurityException e) {
            throw new IOException("the server's certificate cannot be used: " + e.getMessage(), e);
        }
    }

    private static Digest fingerprint(X509Certificate certificate) throws IOException {
        try {
            return Digest.sha256(certificate.getEncoded());
        } catch (CertificateEncodingException e) {
            throw new IOException("the server's certificate cannot be used: " + e.getMessage(), e);
        }
    }

    private static boolean belongs(PrivateKey key, PublicKey certified) throws IOException {
        String algorithm = switch (key.getAlgorithm()) {
            case "RSA" -> "SHA256withRSA";
            case "EC" -> "SHA256withECDSA";
            default -> key.getAlgorithm();
        };
        try {
            byte[] message = {1, 2, 3};
            Signature signer = Signature.getInstance(algorithm);
            signer.initSign(key);
            signer.update(message);
            byte[] signature = signer.sign();
            signer.initVerify(certified);
            signer.update(message);
            return signer.verify(signature);
        } catch (GeneralSecurityException e) {
            return false;
        }
    }
}
