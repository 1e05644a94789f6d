package dev.entrepot.proxy.http;

import java.io.IOException;
import java.util.OptionalLong;

/** The body of an answer. */
sealed interface ReplyBody {
    /**
     * No body at all, and no length of one: 304, of which the length would be that of the answer 200 (RFC 9110, section
     * 15.4.5).
     */
    record None() implements ReplyBody {
        static final None INSTANCE = new None();
    }

    /** A body that is in memory; for HEAD, only its length is sent. */
    record Bytes(byte[] bytes) implements ReplyBody {}

    /**
     * The answer to a HEAD for a body that was not opened.
     *
     * @param length what GET would send, in bytes, where that is known
     */
    record Unopened(OptionalLong length) implements ReplyBody {}

    /**
     * A body that is written as it is read.
     *
     * @param length its length in bytes; empty for one that ends when it ends
     * @param writer writes it, and is closed in any case
     */
    record Stream(OptionalLong length, Writer writer) implements ReplyBody {}

    /** Writes a body to a client. Used by one thread. */
    interface Writer extends AutoCloseable {
        /**
         * Writes the whole body, each piece with one call and none of them empty.
         *
         * @throws IOException if the body cannot be read; what is written so far is then worthless
         */
        void writeTo(ClientStream out) throws IOException;

        @Override
        void close();
    }
}
