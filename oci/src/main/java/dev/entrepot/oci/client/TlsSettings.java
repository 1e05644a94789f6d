package dev.entrepot.oci.client;

import dev.entrepot.oci.PrivateKeyFile;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.InvalidKeyException;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.Signature;
import java.security.SignatureException;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;
import org.jspecify.annotations.Nullable;

/**
 * Whom to trust and what to show in TLS handshakes. Host names are always verified.
 *
 * @param authorities PEM file with certificate authorities to trust besides the platform's
 * @param clientCertificate certificate to show, with its key
 */
public record TlsSettings(Optional<Path> authorities, Optional<ClientCertificate> clientCertificate) {
    /** The platform's authorities and no client certificate. */
    public static final TlsSettings DEFAULT = new TlsSettings(Optional.empty(), Optional.empty());

    /**
     * A certificate with its key.
     *
     * @param certificate PEM file with the certificate and its chain, leaf first
     * @param key PEM file with the private key, as {@link PrivateKeyFile} reads it
     */
    public record ClientCertificate(Path certificate, Path key) {}

    /** This, trusting also the authorities in a PEM file. */
    public TlsSettings withAuthorities(Path pem) {
        return new TlsSettings(Optional.of(pem), clientCertificate);
    }

    /** This, showing a client certificate. */
    public TlsSettings withClientCertificate(Path certificate, Path key) {
        return new TlsSettings(authorities, Optional.of(new ClientCertificate(certificate, key)));
    }

    /** This, showing no client certificate. */
    TlsSettings withoutClientCertificate() {
        return new TlsSettings(authorities, Optional.empty());
    }

    /** The files that it is made of. */
    List<Path> files() {
        List<Path> files = new ArrayList<>();
        authorities.ifPresent(files::add);
        clientCertificate.ifPresent(client -> files.addAll(List.of(client.certificate(), client.key())));
        return files;
    }

    /**
     * Reads the files, to find out whether they can be used.
     *
     * @throws IOException if one cannot be; names the file
     */
    public void requireUsable() throws IOException {
        sslContext();
    }

    /**
     * Reads the files.
     *
     * @throws IOException if a file cannot be read or does not hold what it should; names the file
     */
    SSLContext sslContext() throws IOException {
        try {
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(
                    clientCertificate.isPresent()
                            ? keyManagers(clientCertificate.get()).getKeyManagers()
                            : null,
                    authorities.isPresent() ? trustManagers(authorities.get()) : null,
                    new SecureRandom());
            return context;
        } catch (GeneralSecurityException e) {
            throw new IOException("cannot set up TLS: " + e.getMessage(), e);
        }
    }

    private static TrustManager[] trustManagers(Path pem) throws IOException, GeneralSecurityException {
        KeyStore trusted = emptyKeyStore();
        int count = 0;
        for (TrustManager manager : trustManagers((KeyStore) null)) {
            if (manager instanceof X509TrustManager platform) {
                for (X509Certificate authority : platform.getAcceptedIssuers()) {
                    trusted.setCertificateEntry("a" + count++, authority);
                }
            }
        }
        for (Certificate authority : certificates(pem)) {
            trusted.setCertificateEntry("a" + count++, authority);
        }
        return trustManagers(trusted);
    }

    private static TrustManager[] trustManagers(@Nullable KeyStore trusted) throws GeneralSecurityException {
        TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        factory.init(trusted);
        return factory.getTrustManagers();
    }

    private static KeyManagerFactory keyManagers(ClientCertificate client)
            throws IOException, GeneralSecurityException {
        KeyStore store = emptyKeyStore();
        Certificate[] chain = certificates(client.certificate()).toArray(Certificate[]::new);
        PrivateKey key = PrivateKeyFile.read(client.key());
        if (!belongTogether(key, chain[0])) {
            throw new IOException(client.key() + " is not the key of the certificate in " + client.certificate());
        }
        store.setKeyEntry("client", key, new char[0], chain);
        KeyManagerFactory factory = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        factory.init(store, new char[0]);
        return factory;
    }

    // Of two files that are written one after the other, one may be read before its time.
    private static boolean belongTogether(PrivateKey key, Certificate certificate) throws GeneralSecurityException {
        String algorithm = switch (key.getAlgorithm()) {
            case "RSA" -> "SHA256withRSA";
            case "EC" -> "SHA256withECDSA";
            default -> "EdDSA";
        };
        byte[] something = {1};
        Signature signing = Signature.getInstance(algorithm);
        signing.initSign(key);
        signing.update(something);
        byte[] signature = signing.sign();
        try {
            Signature verifying = Signature.getInstance(algorithm);
            verifying.initVerify(certificate.getPublicKey());
            verifying.update(something);
            return verifying.verify(signature);
        } catch (InvalidKeyException | SignatureException e) {
            return false;
        }
    }

    private static KeyStore emptyKeyStore() throws IOException, GeneralSecurityException {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        return store;
    }

    private static List<Certificate> certificates(Path pem) throws IOException {
        try (InputStream in = Files.newInputStream(pem)) {
            List<Certificate> result =
                    new ArrayList<>(CertificateFactory.getInstance("X.509").generateCertificates(in));
            if (result.isEmpty()) {
                throw new IOException(pem + " holds no PEM certificate");
            }
            return result;
        } catch (CertificateException e) {
            throw new IOException(pem + " holds something that is no PEM certificate", e);
        }
    }
}
