package dev.entrepot.oci.client.cloud;

import dev.entrepot.oci.OciJson;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.Optional;
import tools.jackson.databind.node.ObjectNode;

/** The private key of a service account, which signs claims (RFC 7519, RS256). */
final class RsaKey {
    private final Path file;
    private final PrivateKey key;

    /**
     * Reads a key.
     *
     * @param file where it comes from, for messages
     * @param pem PKCS#8 in PEM
     * @throws IOException if it is no RSA key; shows nothing of it
     */
    RsaKey(Path file, String pem) throws IOException {
        this.file = file;
        String base64 = pem.replaceAll("-----[A-Z ]+-----", "").replaceAll("\\s", "");
        try {
            byte[] der = Base64.getDecoder().decode(base64);
            this.key = KeyFactory.getInstance("RSA").generatePrivate(new PKCS8EncodedKeySpec(der));
        } catch (IllegalArgumentException | GeneralSecurityException e) {
            throw new IOException(file + " has a private_key that is no RSA key in PKCS#8");
        }
    }

    /** Signed claims. */
    String jwt(Optional<String> keyId, String claims) throws IOException {
        ObjectNode header =
                OciJson.mapper().createObjectNode().put("alg", "RS256").put("typ", "JWT");
        keyId.ifPresent(id -> header.put("kid", id));
        String signed = encode(header.toString().getBytes(StandardCharsets.UTF_8)) + "."
                + encode(claims.getBytes(StandardCharsets.UTF_8));
        try {
            Signature signature = Signature.getInstance("SHA256withRSA");
            signature.initSign(key);
            signature.update(signed.getBytes(StandardCharsets.US_ASCII));
            return signed + "." + encode(signature.sign());
        } catch (GeneralSecurityException e) {
            throw new IOException(file + " has a private_key that cannot sign", e);
        }
    }

    private static String encode(byte[] bytes) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }
}
