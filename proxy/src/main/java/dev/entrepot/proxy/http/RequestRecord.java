package dev.entrepot.proxy.http;

import dev.entrepot.cache.Verdict;
import dev.entrepot.oci.RegistryHost;
import java.net.SocketAddress;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What became of one request: all that logs and metrics are made of.
 *
 * @param startedMillis when it was read, in milliseconds since 1970
 * @param client where it came from; null where that is not known
 * @param user who it is; empty where that is not known
 * @param method the method, as sent
 * @param path the raw path, as sent, without query
 * @param namespace the value of {@code ?ns=}, or empty
 * @param kind what was asked for
 * @param status the status that was sent; 0 if the connection ended before one was
 * @param bodyBytes bytes of the answer's body that were written
 * @param nanos from the request being read to the answer being written
 * @param verdict where the content came from; empty if the cache was not asked
 * @param upstream the registry that was meant; null where it was not found out
 * @param userAgent the client's name for itself, or empty
 * @param ending how the answer ended
 * @param error the document of an error answer, not a copy: nobody writes to the array; null if the answer is none
 * @param credentials whether the client showed any, right or wrong
 */
public record RequestRecord(
        long startedMillis,
        @Nullable SocketAddress client,
        String user,
        String method,
        String path,
        String namespace,
        RequestKind kind,
        int status,
        long bodyBytes,
        long nanos,
        Optional<Verdict> verdict,
        @Nullable RegistryHost upstream,
        String userAgent,
        Ending ending,
        byte @Nullable [] error,
        boolean credentials) {
    /** An answer that is no error, to a client that showed no credentials. */
    public RequestRecord(
            long startedMillis,
            @Nullable SocketAddress client,
            String user,
            String method,
            String path,
            String namespace,
            RequestKind kind,
            int status,
            long bodyBytes,
            long nanos,
            Optional<Verdict> verdict,
            @Nullable RegistryHost upstream,
            String userAgent,
            Ending ending) {
        this(
                startedMillis,
                client,
                user,
                method,
                path,
                namespace,
                kind,
                status,
                bodyBytes,
                nanos,
                verdict,
                upstream,
                userAgent,
                ending,
                null,
                false);
    }

    /** How an answer ended. */
    public enum Ending {
        /** It was written to its end. */
        COMPLETE,
        /** It was cut because its content could not be had. */
        CUT,
        /** The client went away. */
        GONE,
        /** The client read nothing for too long. */
        STALLED;

        private final String label = name().toLowerCase(Locale.ROOT);

        /** The name in logs and metrics. */
        public String label() {
            return label;
        }
    }
}
