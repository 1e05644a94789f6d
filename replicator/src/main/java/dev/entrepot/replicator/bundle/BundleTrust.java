package dev.entrepot.replicator.bundle;

import dev.entrepot.oci.Der;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PublicKey;
import java.security.Signature;
import java.security.SignatureException;
import java.security.cert.CertificateFactory;
import java.security.spec.X509EncodedKeySpec;
import java.util.ArrayList;
import java.util.List;

/**
 * The public keys of which any one is trusted. Of a certificate the key counts and nothing else: whoever names the file
 * trusts the key, whatever its dates and issuer. Immutable and safe for all threads.
 */
public final class BundleTrust {
    private static final String MAKE_ONE =
            "whoever signs hands over the public key, made with: openssl pkey -in key.pem -pubout -out key.pub";

    private final Path file;
    private final List<PublicKey> keys;

    private BundleTrust(Path file, List<PublicKey> keys) {
        this.file = file;
        this.keys = List.copyOf(keys);
    }

    /**
     * Reads all keys of a file: {@code PUBLIC KEY} and {@code CERTIFICATE}, PEM.
     *
     * @throws BundleException if it has none, or one that is not ECDSA (P-256, P-384, P-521) or Ed25519
     * @throws IOException if the file cannot be read
     */
    public static BundleTrust read(Path file) throws IOException {
        PemFile pem = PemFile.read(file, MAKE_ONE);
        List<PublicKey> keys = new ArrayList<>();
        for (PemFile.Section section : pem.sections()) {
            switch (section.label()) {
                case "PUBLIC KEY" -> keys.add(usable(file, publicKey(file, pem.bytes(section))));
                case "CERTIFICATE" -> keys.add(usable(file, certified(file, pem.bytes(section))));
                default -> {}
            }
        }
        if (keys.isEmpty()) {
            throw new BundleException(
                    file + " has no PUBLIC KEY and no CERTIFICATE; write the public key of a private one with: "
                            + "openssl pkey -in key.pem -pubout -out key.pub");
        }
        return new BundleTrust(file, keys);
    }

    private static PublicKey usable(Path file, PublicKey key) throws BundleException {
        if (SignatureKind.of(key).isEmpty()) {
            throw new BundleException(file + " has a key of " + key.getAlgorithm()
                    + " that is not ECDSA with P-256, P-384 or P-521, or Ed25519");
        }
        return key;
    }

    private static PublicKey publicKey(Path file, byte[] der) throws BundleException {
        GeneralSecurityException last = new GeneralSecurityException("no algorithm reads it");
        for (String algorithm : new String[] {"EC", "Ed25519"}) {
            try {
                return KeyFactory.getInstance(algorithm).generatePublic(new X509EncodedKeySpec(der));
            } catch (GeneralSecurityException e) {
                last = e;
            }
        }
        throw new BundleException(
                file + " has a PUBLIC KEY that is not ECDSA with P-256, P-384 or P-521, or Ed25519"
                        + (Der.isElliptic(der)
                                ? ", or is not in the form that is read, which a key of these curves gets with: openssl ec -pubin -in "
                                        + file + " -pubout -conv_form uncompressed -param_enc named_curve -out key.pub"
                                : ""),
                last);
    }

    private static PublicKey certified(Path file, byte[] der) throws BundleException {
        try {
            return CertificateFactory.getInstance("X.509")
                    .generateCertificate(new ByteArrayInputStream(der))
                    .getPublicKey();
        } catch (GeneralSecurityException e) {
            throw new BundleException(file + " has a CERTIFICATE that cannot be read", e);
        }
    }

    /** Where the keys are from. */
    public Path file() {
        return file;
    }

    /** Whether any of the keys made this signature of the document. Bytes that are no signature are none. */
    public boolean verifies(byte[] document, byte[] signature) {
        return signature.length <= BundleLimits.SIGNATURE_BYTES
                && keys.stream().anyMatch(key -> verifies(key, document, signature));
    }

    private static boolean verifies(PublicKey key, byte[] document, byte[] signature) {
        try {
            Signature verifier =
                    Signature.getInstance(SignatureKind.of(key).orElseThrow().algorithm());
            verifier.initVerify(key);
            verifier.update(document);
            return verifier.verify(signature);
        } catch (SignatureException e) {
            return false;
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("this JDK cannot verify with a key of " + key.getAlgorithm(), e);
        }
    }
}
