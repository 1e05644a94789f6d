package dev.entrepot.proxy.access;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.util.Arrays;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Stands for a credential in memory without being one: its keyed hash (HMAC-SHA-256). What reads this process's memory
 * dumps learns no password from it that it could not also try against the hashes in the file.
 */
public final class CredentialKey {
    private final byte[] hash;

    private CredentialKey(byte[] hash) {
        this.hash = hash;
    }

    /** Makes keys; with a secret of its own, made anew at each start. */
    public static final class Maker {
        private static final String ALGORITHM = "HmacSHA256";

        private final SecretKeySpec secret;

        /** With a secret of 32 random bytes. */
        public Maker(byte[] secret) {
            this.secret = new SecretKeySpec(secret, ALGORITHM);
        }

        /** The key of some texts, each of which counts with its length. */
        public CredentialKey of(String... texts) {
            try {
                Mac mac = Mac.getInstance(ALGORITHM);
                mac.init(secret);
                for (String text : texts) {
                    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
                    mac.update(ByteBuffer.allocate(Integer.BYTES).putInt(0, bytes.length));
                    mac.update(bytes);
                }
                return new CredentialKey(mac.doFinal());
            } catch (GeneralSecurityException e) {
                throw new IllegalStateException("every JDK has " + ALGORITHM, e);
            }
        }
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof CredentialKey key && Arrays.equals(hash, key.hash);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(hash);
    }

    @Override
    public String toString() {
        return "credential";
    }
}
