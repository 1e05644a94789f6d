package dev.entrepot.oci.client;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.hc.core5.http.ClassicHttpResponse;
import org.apache.hc.core5.http.ConnectionClosedException;
import org.apache.hc.core5.http.Header;
import org.apache.hc.core5.http.HttpException;
import org.apache.hc.core5.http.HttpHeaders;
import org.apache.hc.core5.http.MessageConstraintException;
import org.apache.hc.core5.http.config.Http1Config;
import org.apache.hc.core5.http.impl.io.DefaultHttpResponseParser;
import org.apache.hc.core5.http.io.SessionInputBuffer;
import org.apache.hc.core5.util.CharArrayBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Reads the heads of the answers on one connection, and takes for one only what is one: its first line is a status line
 * (the library's own parser skips lines until one comes), and it ends with an empty line and not with the connection. A
 * {@code Content-Length} that is repeated with the same value counts once (RFC 9110, section 8.6). For one thread at a
 * time.
 */
final class AnswerParser extends DefaultHttpResponseParser {
    private @Nullable SessionInputBuffer buffer;
    private boolean begun;

    AnswerParser(Http1Config config) {
        super(config);
    }

    /** Whether bytes were read from the connection that belong to no answer so far. */
    boolean hasBytesLeft() {
        return buffer != null && buffer.length() > 0;
    }

    /**
     * Reads a head; null if the connection ends before its first byte.
     *
     * @throws NoStatusLineException if it does not begin with a status line
     * @throws ConnectionClosedException if the connection ends within it
     */
    @Override
    public @Nullable ClassicHttpResponse parse(SessionInputBuffer from, InputStream socket)
            throws IOException, HttpException {
        buffer = from;
        begun = false;
        Ending in = new Ending(socket);
        ClassicHttpResponse response;
        try {
            response = super.parse(from, in);
        } catch (HttpException | MessageConstraintException e) {
            if (in.ended) {
                throw cutOff();
            }
            if (!begun) {
                throw new NoStatusLineException(e);
            }
            throw e;
        }
        if (response != null) {
            if (in.ended) {
                throw cutOff();
            }
            joinLengths(response);
        }
        return response;
    }

    @Override
    protected ClassicHttpResponse createMessage(CharArrayBuffer line) throws IOException, HttpException {
        ClassicHttpResponse response = super.createMessage(line);
        begun = true;
        return response;
    }

    private static ConnectionClosedException cutOff() {
        return new ConnectionClosedException("the connection ended within the head of an answer");
    }

    // Different ones are refused where a body is to be read by them.
    private static void joinLengths(ClassicHttpResponse response) {
        Header[] fields = response.getHeaders(HttpHeaders.CONTENT_LENGTH);
        if (fields.length == 0 || fields.length == 1 && fields[0].getValue().indexOf(',') < 0) {
            return;
        }
        Set<String> lengths = Arrays.stream(fields)
                .flatMap(field -> Arrays.stream(field.getValue().split(",", -1)))
                .map(String::strip)
                .collect(Collectors.toSet());
        if (lengths.size() == 1) {
            response.removeHeaders(HttpHeaders.CONTENT_LENGTH);
            response.addHeader(HttpHeaders.CONTENT_LENGTH, lengths.iterator().next());
        }
    }

    /** Notes the end of the connection. A head that is whole is never read on from the socket. */
    private static final class Ending extends FilterInputStream {
        private boolean ended;

        Ending(InputStream socket) {
            super(socket);
        }

        @Override
        public int read(byte[] bytes, int offset, int length) throws IOException {
            int count = in.read(bytes, offset, length);
            ended |= count < 0;
            return count;
        }
    }
}
