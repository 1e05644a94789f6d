package dev.entrepot.proxy.admin;

import java.io.IOException;
import java.util.Map;

/** An answer of the admin port that is no JSON. */
public sealed interface AdminContent {
    /** Headers, by name; without a length. */
    Map<String, String> headers();

    /**
     * An answer in memory.
     *
     * @param status the HTTP status
     * @param body the body; empty for none
     */
    record Document(int status, Map<String, String> headers, byte[] body) implements AdminContent {
        /** Copies the headers. */
        public Document {
            headers = Map.copyOf(headers);
        }
    }

    /**
     * An answer that goes on, with status 200; its connection is closed at its end.
     *
     * @param writer writes it
     */
    record Stream(Map<String, String> headers, Writer writer) implements AdminContent {
        /** Copies the headers. */
        public Stream {
            headers = Map.copyOf(headers);
        }
    }

    /** Writes an answer, for as long as it likes. */
    @FunctionalInterface
    interface Writer {
        /**
         * Writes it, on the thread of the connection; is not called at all if only the head is asked for.
         *
         * @throws IOException what the sink has thrown
         */
        void writeTo(Sink sink) throws IOException;
    }

    /** The way to a client. */
    @FunctionalInterface
    interface Sink {
        /**
         * Sends bytes at once.
         *
         * @throws IOException if the client has gone, or took nothing for ten seconds
         */
        void send(byte[] bytes) throws IOException;
    }
}
