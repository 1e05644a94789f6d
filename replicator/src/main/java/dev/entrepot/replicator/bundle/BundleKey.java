package dev.entrepot.replicator.bundle;

import dev.entrepot.oci.Der;
import java.io.IOException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.interfaces.ECPrivateKey;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The private key that inventories and receipts are signed with: ECDSA (P-256, P-384, P-521) or Ed25519. The same key
 * and document give the same signature, also with ECDSA. Immutable and safe for all threads; never printed.
 */
public final class BundleKey {
    private static final String MAKE_ONE =
            "make a key with: openssl genpkey -algorithm ed25519 -out key.pem && openssl pkey -in key.pem -pubout -out key.pub";

    private final Path file;
    private final PrivateKey key;
    private final SignatureKind kind;

    private BundleKey(Path file, PrivateKey key, SignatureKind kind) {
        this.file = file;
        this.key = key;
        this.kind = kind;
    }

    /**
     * Reads a key: {@code PRIVATE KEY} (PKCS#8) or {@code EC PRIVATE KEY} (SEC 1), PEM, not encrypted.
     *
     * @throws BundleException if the file has no such key; the message names the file and what to do
     * @throws IOException if the file cannot be read
     */
    public static BundleKey read(Path file) throws IOException {
        PemFile pem = PemFile.read(file, MAKE_ONE);
        for (PemFile.Section section : pem.sections()) {
            switch (section.label()) {
                case "PRIVATE KEY" -> {
                    return of(file, pem.bytes(section));
                }
                case "EC PRIVATE KEY" -> {
                    refuseEncrypted(file, section.text().contains("ENCRYPTED"));
                    return of(file, sec1(file, pem.bytes(section)));
                }
                case "ENCRYPTED PRIVATE KEY" -> refuseEncrypted(file, true);
                case "ENCRYPTED SIGSTORE PRIVATE KEY", "ENCRYPTED COSIGN PRIVATE KEY" ->
                    throw new BundleException(
                            file + " is encrypted in cosign's own way, which is not read here; " + MAKE_ONE);
                case "RSA PRIVATE KEY" -> throw unusable(file, null);
                default -> {}
            }
        }
        throw new BundleException(file + " has no private key but: "
                + String.join(
                        ", ",
                        pem.sections().stream().map(PemFile.Section::label).toList()) + "; " + MAKE_ONE);
    }

    private static void refuseEncrypted(Path file, boolean encrypted) throws BundleException {
        if (encrypted) {
            throw new BundleException(file
                    + " is encrypted; write the key without a password, where only you can read it, with: openssl pkey -in "
                    + file + " -out plain.pem");
        }
    }

    private static BundleException unusable(Path file, @Nullable Throwable cause) {
        String message = file + " has no key of ECDSA (P-256, P-384, P-521) or Ed25519; " + MAKE_ONE;
        return cause == null ? new BundleException(message) : new BundleException(message, cause);
    }

    private static byte[] sec1(Path file, byte[] der) throws BundleException {
        Optional<byte[]> pkcs8 = Der.toPkcs8(der);
        return pkcs8.orElseThrow(() -> new BundleException(file
                + " has an EC PRIVATE KEY that does not name its curve; rewrite it with: openssl pkcs8 -topk8 -nocrypt -in "
                + file + " -out pkcs8.pem"));
    }

    private static BundleKey of(Path file, byte[] pkcs8) throws BundleException {
        GeneralSecurityException last = new GeneralSecurityException("no algorithm reads it");
        for (String algorithm : new String[] {"EC", "Ed25519"}) {
            try {
                PrivateKey key = KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(pkcs8));
                return new BundleKey(file, key, SignatureKind.of(key).orElseThrow(() -> unusable(file, null)));
            } catch (GeneralSecurityException e) {
                last = e;
            }
        }
        throw unusable(file, last);
    }

    /**
     * The signature of a document: DER for ECDSA, 64 bytes for Ed25519; at most {@link BundleLimits#SIGNATURE_BYTES}.
     *
     * @throws BundleException if the key cannot sign
     */
    public byte[] sign(byte[] document) throws BundleException {
        try {
            Signature signature = Signature.getInstance(kind.algorithm());
            if (key instanceof ECPrivateKey elliptic) {
                signature.initSign(key, DerivedRandom.of(elliptic.getS().toByteArray(), document));
            } else {
                signature.initSign(key);
            }
            signature.update(document);
            return signature.sign();
        } catch (GeneralSecurityException e) {
            throw new BundleException(file + " cannot sign: " + e.getMessage(), e);
        }
    }
}
