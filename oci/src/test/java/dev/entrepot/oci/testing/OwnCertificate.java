package dev.entrepot.oci.testing;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import java.util.Base64;
import java.util.List;
import javax.net.ServerSocketFactory;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;

/**
 * A certificate for {@code localhost} and {@code 127.0.0.1} that nobody has signed but itself.
 *
 * @param pem file with the certificate, for who is to trust it
 * @param store PKCS#12 with certificate and key
 * @param certificate itself
 * @param keyPem its key in PEM
 * @param sockets listen with it
 */
public record OwnCertificate(
        Path pem, Path store, X509Certificate certificate, String keyPem, ServerSocketFactory sockets) {
    /** What {@link #store} is locked with. */
    public static final String PASSWORD = "password";

    /** Makes one, in about a second. */
    public static OwnCertificate in(Path folder) throws IOException, InterruptedException {
        Path store = folder.resolve("own.p12");
        String keytool =
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString();
        String options =
                " -genkeypair -alias k -keyalg RSA -keysize 2048 -dname CN=test -ext SAN=dns:localhost,ip:127.0.0.1"
                        + " -validity 2 -storetype PKCS12 -storepass " + PASSWORD + " -keystore " + store;
        Process process = new ProcessBuilder(List.of((keytool + options).split(" ")))
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        if (process.waitFor() != 0) {
            throw new IOException("keytool failed");
        }
        try (InputStream in = Files.newInputStream(store)) {
            KeyStore keys = KeyStore.getInstance("PKCS12");
            keys.load(in, PASSWORD.toCharArray());
            KeyManagerFactory managers = KeyManagerFactory.getInstance("PKIX");
            managers.init(keys, PASSWORD.toCharArray());
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(managers.getKeyManagers(), null, null);
            X509Certificate certificate = (X509Certificate) keys.getCertificate("k");
            return new OwnCertificate(
                    Files.writeString(folder.resolve("own.pem"), pem("CERTIFICATE", certificate.getEncoded())),
                    store,
                    certificate,
                    pem("PRIVATE KEY", keys.getKey("k", PASSWORD.toCharArray()).getEncoded()),
                    context.getServerSocketFactory());
        } catch (GeneralSecurityException e) {
            throw new IOException(e);
        }
    }

    private static String pem(String label, byte[] der) {
        return "-----BEGIN " + label + "-----\n"
                + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der) + "\n-----END " + label + "-----\n";
    }
}
