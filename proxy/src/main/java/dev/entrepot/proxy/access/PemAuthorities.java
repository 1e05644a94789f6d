package dev.entrepot.proxy.access;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;

/** The authorities of certificates in a PEM file, as what they alone are believed by. */
public final class PemAuthorities {
    private PemAuthorities() {}

    /**
     * Believes what they have signed, and nothing else.
     *
     * @param whose whose certificates they sign, for the message
     * @throws IOException if the file cannot be read or has no certificate; the message names it
     */
    public static TrustManager[] trusting(Path file, String whose) throws IOException {
        try (InputStream in = Files.newInputStream(file)) {
            KeyStore trusted = KeyStore.getInstance("PKCS12");
            trusted.load(null, null);
            int count = 0;
            for (Certificate certificate :
                    CertificateFactory.getInstance("X.509").generateCertificates(in)) {
                trusted.setCertificateEntry("ca-" + count, certificate);
                count++;
            }
            if (count == 0) {
                throw new IOException("there is no certificate in " + file + ", which is to have the authorities of "
                        + whose + " in PEM");
            }
            TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            trust.init(trusted);
            return trust.getTrustManagers();
        } catch (GeneralSecurityException e) {
            throw new IOException("cannot read the authorities of " + whose + " in " + file + ": " + e.getMessage(), e);
        }
    }
}
