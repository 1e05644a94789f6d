package dev.entrepot.replicator.bundle;

import java.io.Serial;
import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.security.SecureRandomSpi;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Randomness for one ECDSA signature that only who has the private key can know, and that is the same for the same key
 * and document: HMAC-SHA-512 with the key over a counter and the document. That is the idea of RFC 6979 (section 3.1):
 * a nonce has to be secret and to differ between documents, not to be random. Not safe for several threads.
 */
final class DerivedRandom {
    private DerivedRandom() {}

    /**
     * The randomness to sign a document with.
     *
     * @param secret the number that the private key is
     */
    static SecureRandom of(byte[] secret, byte[] document) {
        return new Source(new Stream(secret, document));
    }

    private static final class Source extends SecureRandom {
        @Serial
        private static final long serialVersionUID = 1;

        Source(Stream stream) {
            super(stream, null);
        }
    }

    private static final class Stream extends SecureRandomSpi {
        @Serial
        private static final long serialVersionUID = 1;

        private final transient byte[] secret;
        private final transient byte[] document;
        private int counter;
        private transient ByteBuffer block = ByteBuffer.allocate(0);

        Stream(byte[] secret, byte[] document) {
            this.secret = secret;
            this.document = document;
        }

        @Override
        protected void engineSetSeed(byte[] seed) {
            throw new UnsupportedOperationException("derived, not seeded");
        }

        @Override
        protected void engineNextBytes(byte[] bytes) {
            for (int i = 0; i < bytes.length; i++) {
                if (!block.hasRemaining()) {
                    block = ByteBuffer.wrap(next());
                }
                bytes[i] = block.get();
            }
        }

        @Override
        protected byte[] engineGenerateSeed(int count) {
            throw new UnsupportedOperationException("derived, not seeded");
        }

        private byte[] next() {
            try {
                Mac mac = Mac.getInstance("HmacSHA512");
                mac.init(new SecretKeySpec(secret, "HmacSHA512"));
                mac.update(ByteBuffer.allocate(4).putInt(counter++).flip());
                return mac.doFinal(document);
            } catch (GeneralSecurityException e) {
                throw new IllegalStateException("this JDK lacks HMAC-SHA-512", e);
            }
        }
    }
}
