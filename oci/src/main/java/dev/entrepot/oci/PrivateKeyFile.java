package dev.entrepot.oci;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The private key of a certificate, from a PEM file, in each of the forms in which tools write it: PKCS#8
 * ({@code PRIVATE KEY}), SEC 1 ({@code EC PRIVATE KEY}) and PKCS#1 ({@code RSA PRIVATE KEY}), not encrypted. What else
 * is in the file, as its certificate, is passed over.
 */
public final class PrivateKeyFile {
    // Keys have a few KiB; a chain may stand beside them.
    private static final int MAX_BYTES = 64 * 1024;
    private static final Pattern KEY = Pattern.compile(
            "-----BEGIN ((?:[A-Z]+ )?)PRIVATE KEY-----(.*?)-----END \\1PRIVATE KEY-----", Pattern.DOTALL);

    private PrivateKeyFile() {}

    /**
     * Reads the first private key of a file: RSA, EC or EdDSA.
     *
     * @throws IOException if the file cannot be read, or has no such key, or it is encrypted; the message names the
     *     file and says what to do, and has nothing of the key
     */
    public static PrivateKey read(Path file) throws IOException {
        byte[] bytes;
        try (InputStream in = Files.newInputStream(file)) {
            bytes = in.readNBytes(MAX_BYTES);
        }
        Matcher matcher = KEY.matcher(new String(bytes, StandardCharsets.ISO_8859_1));
        if (!matcher.find()) {
            throw unfit(file, "has no private key in PEM");
        }
        PKCS8EncodedKeySpec spec =
                new PKCS8EncodedKeySpec(pkcs8(file, matcher.group(1).strip(), matcher.group(2)));
        for (String algorithm : List.of("RSA", "EC", "EdDSA")) {
            try {
                return KeyFactory.getInstance(algorithm).generatePrivate(spec);
            } catch (GeneralSecurityException e) {
                // It is one of another algorithm, or none. What is thrown may quote it.
                continue;
            }
        }
        throw unfit(file, "has a private key that is neither RSA nor EC nor EdDSA, or is damaged");
    }

    private static byte[] pkcs8(Path file, String form, String text) throws IOException {
        if (form.equals("ENCRYPTED") || text.contains("ENCRYPTED")) {
            throw new IOException(file + " has a private key that is encrypted; write it without a password, where only"
                    + " the user of this process can read it: openssl pkey -in " + file + " -out NEW");
        }
        byte[] der;
        try {
            der = Base64.getMimeDecoder().decode(text);
        } catch (IllegalArgumentException e) {
            throw unfit(file, "has a private key that is not base64");
        }
        return switch (form) {
            case "" -> der;
            case "RSA" -> Der.rsaToPkcs8(der);
            case "EC" ->
                Der.toPkcs8(der).orElseThrow(() -> unfit(file, "has an EC private key that does not name its curve"));
            default -> throw unfit(file, "has a private key in a form that is not read here (" + form + ")");
        };
    }

    private static IOException unfit(Path file, String what) {
        return new IOException(
                file + " " + what + "; write one as PKCS#8 (BEGIN PRIVATE KEY) with: openssl pkcs8 -topk8"
                        + " -nocrypt -in " + file + " -out NEW");
    }
}
