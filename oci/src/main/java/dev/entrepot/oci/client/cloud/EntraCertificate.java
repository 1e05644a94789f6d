package dev.entrepot.oci.client.cloud;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The certificate by which an application proves itself to Microsoft Entra, as Azure's tools have it: in one file with
 * its key, in PEM (PKCS#8, not encrypted) or PKCS#12.
 *
 * @param key an RSA key, since Entra takes no other
 * @param chain the certificate, and those above it if there are any
 */
record EntraCertificate(PrivateKey key, List<X509Certificate> chain) {
    private static final int MOST_BYTES = 256 * 1024;
    private static final Pattern BLOCK =
            Pattern.compile("-----BEGIN (PRIVATE KEY|CERTIFICATE)-----([A-Za-z0-9+/=\\s]+)-----END \\1-----");

    /**
     * Reads one, at each use, since it is renewed now and then.
     *
     * @param password of PKCS#12
     * @throws IOException if there is none; shows nothing of the file
     */
    static EntraCertificate read(Path file, Optional<String> password) throws IOException {
        if (Files.size(file) > MOST_BYTES) {
            throw new IOException(file + " is larger than " + MOST_BYTES + " bytes");
        }
        byte[] bytes = Files.readAllBytes(file);
        try {
            String text = new String(bytes, StandardCharsets.ISO_8859_1);
            return text.contains("-----BEGIN ")
                    ? ofPem(text)
                    : ofStore(bytes, password.orElse("").toCharArray());
        } catch (GeneralSecurityException | IOException | IllegalArgumentException e) {
            throw new IOException(file + " holds no certificate with its RSA key, in PEM (PKCS#8) or PKCS#12 with the"
                    + " password of AZURE_CLIENT_CERTIFICATE_PASSWORD");
        }
    }

    private static EntraCertificate ofPem(String text) throws GeneralSecurityException {
        List<X509Certificate> chain = new ArrayList<>();
        Optional<PrivateKey> key = Optional.empty();
        for (Matcher block = BLOCK.matcher(text); block.find(); ) {
            byte[] der = Base64.getMimeDecoder().decode(block.group(2));
            if (block.group(1).equals("CERTIFICATE")) {
                chain.add((X509Certificate)
                        CertificateFactory.getInstance("X.509").generateCertificate(new ByteArrayInputStream(der)));
            } else {
                key = Optional.of(KeyFactory.getInstance("RSA").generatePrivate(new PKCS8EncodedKeySpec(der)));
            }
        }
        return complete(key, chain);
    }

    private static EntraCertificate ofStore(byte[] bytes, char[] password)
            throws GeneralSecurityException, IOException {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(new ByteArrayInputStream(bytes), password);
        for (String alias : Collections.list(store.aliases())) {
            if (store.getKey(alias, password) instanceof PrivateKey key) {
                List<X509Certificate> chain = new ArrayList<>();
                Certificate[] certificates = store.getCertificateChain(alias);
                // None where the file has the key alone.
                for (Certificate certificate : certificates == null ? new Certificate[0] : certificates) {
                    chain.add((X509Certificate) certificate);
                }
                return complete(Optional.of(key), chain);
            }
        }
        return complete(Optional.empty(), List.of());
    }

    private static EntraCertificate complete(Optional<PrivateKey> key, List<X509Certificate> chain) {
        if (key.isEmpty() || chain.isEmpty() || !key.get().getAlgorithm().equals("RSA")) {
            throw new IllegalArgumentException("incomplete");
        }
        return new EntraCertificate(key.get(), List.copyOf(chain));
    }

    @Override
    public String toString() {
        return "EntraCertificate[" + chain.size() + "]";
    }
}
