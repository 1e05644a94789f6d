package dev.entrepot.oci.testing;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Reads the head of an HTTP/1.1 request: request line and header fields (RFC 9112). */
final class HeadReader {
    private static final int MAX_LINE_BYTES = 64 * 1024;
    private static final int MAX_FIELDS = 200;

    private HeadReader() {}

    /** The next request, or empty if the client ended the connection. */
    static Optional<Request> read(InputStream in) throws IOException {
        String line = lineOrEnd(in, MAX_LINE_BYTES).orElse("");
        if (line.isEmpty()) {
            return Optional.empty();
        }
        String[] parts = line.split(" ");
        if (parts.length != 3) {
            throw new IOException("not a request line: " + line);
        }
        String target = parts[1].startsWith("http://") ? parts[1].substring(parts[1].indexOf('/', 7)) : parts[1];
        int mark = target.indexOf('?');
        String path = mark < 0 ? target : target.substring(0, mark);
        String query = mark < 0 ? "" : target.substring(mark + 1);
        return Optional.of(new Request(parts[0], path, query, fields(in)));
    }

    private static Headers fields(InputStream in) throws IOException {
        List<Headers.Field> fields = new ArrayList<>();
        for (String line = line(in, MAX_LINE_BYTES); !line.isEmpty(); line = line(in, MAX_LINE_BYTES)) {
            int colon = line.indexOf(':');
            if (colon <= 0 || fields.size() == MAX_FIELDS) {
                throw new IOException("not a header field, or too many of them");
            }
            fields.add(new Headers.Field(
                    line.substring(0, colon), line.substring(colon + 1).strip()));
        }
        return new Headers(fields);
    }

    /** One line without its end, of at most so many bytes. */
    static String line(InputStream in, int maxBytes) throws IOException {
        return lineOrEnd(in, maxBytes).orElseThrow(() -> new EOFException("the connection ended in a line"));
    }

    private static Optional<String> lineOrEnd(InputStream in, int maxBytes) throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        int c = in.read();
        if (c < 0) {
            return Optional.empty();
        }
        for (; c != '\n'; c = in.read()) {
            if (c < 0 || line.size() >= maxBytes) {
                throw new IOException("a line does not end");
            }
            line.write(c);
        }
        String text = line.toString(StandardCharsets.ISO_8859_1);
        return Optional.of(text.endsWith("\r") ? text.substring(0, text.length() - 1) : text);
    }
}
