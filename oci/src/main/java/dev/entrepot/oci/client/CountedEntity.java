package dev.entrepot.oci.client;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.function.LongConsumer;
import org.apache.hc.core5.http.HttpEntity;
import org.apache.hc.core5.http.io.entity.HttpEntityWrapper;

/** The body of an answer whose bytes are told as they are read, as they came over the wire. */
final class CountedEntity extends HttpEntityWrapper {
    private final LongConsumer received;

    /**
     * Wraps a body.
     *
     * @param received is told of each number of bytes that was read, by the thread that reads
     */
    CountedEntity(HttpEntity body, LongConsumer received) {
        super(body);
        this.received = received;
    }

    @Override
    public InputStream getContent() throws IOException {
        return new Counted(super.getContent(), received);
    }

    private static final class Counted extends FilterInputStream {
        private final LongConsumer received;

        Counted(InputStream raw, LongConsumer received) {
            super(raw);
            this.received = received;
        }

        @Override
        public int read() throws IOException {
            int one = in.read();
            if (one >= 0) {
                received.accept(1);
            }
            return one;
        }

        @Override
        public int read(byte[] buffer, int offset, int length) throws IOException {
            int count = in.read(buffer, offset, length);
            if (count > 0) {
                received.accept(count);
            }
            return count;
        }
    }
}
