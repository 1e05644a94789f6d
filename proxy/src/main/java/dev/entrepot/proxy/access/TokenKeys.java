package dev.entrepot.proxy.access;

import com.nimbusds.jose.jwk.Curve;
import java.io.IOException;
import java.io.InputStream;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.interfaces.ECPrivateKey;
import java.security.interfaces.RSAPrivateCrtKey;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.ECPoint;
import java.security.spec.ECPublicKeySpec;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.PKCS8EncodedKeySpec;
import java.security.spec.RSAPublicKeySpec;
import java.util.Base64;
import java.util.Optional;

/** The key that signs tokens: from a file, or a new one. */
public final class TokenKeys {
    private static final int MAX_BYTES = 64 * 1024;
    private static final String BEGIN = "-----BEGIN PRIVATE KEY-----";
    private static final String END = "-----END PRIVATE KEY-----";
    private static final int LEAST_RSA_BITS = 2048;
    private static final int COORDINATE = 32;
    private static final byte UNCOMPRESSED = 4;

    private TokenKeys() {}

    /** A new key on P-256, which nobody else knows. */
    static KeyPair made() {
        try {
            KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
            generator.initialize(new ECGenParameterSpec("secp256r1"));
            return generator.generateKeyPair();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every JDK has P-256", e);
        }
    }

    /**
     * Reads a private key (PKCS#8, PEM), and makes the public one of it.
     *
     * @throws IOException if it cannot be read, or is neither EC on P-256, with the public key beside it as openssl
     *     writes it, nor RSA of 2048 bits or more
     */
    public static KeyPair read(Path file) throws IOException {
        byte[] encoded;
        try (InputStream in = Files.newInputStream(file)) {
            String text = new String(in.readNBytes(MAX_BYTES), StandardCharsets.US_ASCII);
            int begin = text.indexOf(BEGIN);
            int end = text.indexOf(END);
            if (begin < 0 || end < begin) {
                throw unfit(file);
            }
            encoded = Base64.getMimeDecoder().decode(text.substring(begin + BEGIN.length(), end));
        } catch (IllegalArgumentException e) {
            throw unfit(file);
        }
        return rsa(encoded).or(() -> ec(encoded)).orElseThrow(() -> unfit(file));
    }

    private static Optional<KeyPair> rsa(byte[] encoded) {
        try {
            KeyFactory factory = KeyFactory.getInstance("RSA");
            PrivateKey key = factory.generatePrivate(new PKCS8EncodedKeySpec(encoded));
            if (!(key instanceof RSAPrivateCrtKey rsa) || rsa.getModulus().bitLength() < LEAST_RSA_BITS) {
                return Optional.empty();
            }
            PublicKey shared = factory.generatePublic(new RSAPublicKeySpec(rsa.getModulus(), rsa.getPublicExponent()));
            return Optional.of(new KeyPair(shared, key));
        } catch (InvalidKeySpecException e) {
            return Optional.empty();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every JDK has RSA", e);
        }
    }

    // The public key is taken from the file, where openssl puts it: at the end, as an uncompressed point.
    private static Optional<KeyPair> ec(byte[] encoded) {
        try {
            KeyFactory factory = KeyFactory.getInstance("EC");
            PrivateKey key = factory.generatePrivate(new PKCS8EncodedKeySpec(encoded));
            int x = encoded.length - 2 * COORDINATE;
            boolean fits = key instanceof ECPrivateKey ec
                    && Curve.P_256.equals(Curve.forECParameterSpec(ec.getParams()))
                    && x > 0
                    && encoded[x - 1] == UNCOMPRESSED;
            if (!fits) {
                return Optional.empty();
            }
            ECPoint point = new ECPoint(
                    new BigInteger(1, encoded, x, COORDINATE), new BigInteger(1, encoded, x + COORDINATE, COORDINATE));
            KeyPair pair = new KeyPair(
                    factory.generatePublic(new ECPublicKeySpec(point, ((ECPrivateKey) key).getParams())), key);
            return Optional.of(pair).filter(TokenKeys::belong);
        } catch (InvalidKeySpecException e) {
            return Optional.empty();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every JDK has EC", e);
        }
    }

    private static boolean belong(KeyPair pair) {
        try {
            Signature signature = Signature.getInstance("SHA256withECDSA");
            signature.initSign(pair.getPrivate());
            byte[] signed = signature.sign();
            signature.initVerify(pair.getPublic());
            return signature.verify(signed);
        } catch (GeneralSecurityException e) {
            return false;
        }
    }

    private static IOException unfit(Path file) {
        return new IOException("the key " + file
                + " is not a private key in PEM (PKCS#8), EC on P-256 or RSA of 2048 bits or more; what begins with"
                + " BEGIN EC PRIVATE KEY or BEGIN RSA PRIVATE KEY becomes one by: openssl pkcs8 -topk8 -nocrypt"
                + " -in OLD -out NEW");
    }
}
