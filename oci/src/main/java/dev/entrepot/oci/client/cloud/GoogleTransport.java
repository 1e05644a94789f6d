package dev.entrepot.oci.client.cloud;

import com.google.api.client.http.HttpTransport;
import com.google.api.client.http.LowLevelHttpRequest;
import com.google.api.client.http.LowLevelHttpResponse;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Has Google's library send its requests by {@link LibraryCalls}; it sees no answer but 200. */
final class GoogleTransport extends HttpTransport {
    // Ours say who asks, and what can be read.
    private static final Set<String> OURS = Set.of("accept-encoding", "user-agent", "content-length");

    private final LibraryCalls calls;

    GoogleTransport(LibraryCalls calls) {
        this.calls = calls;
    }

    @Override
    protected LowLevelHttpRequest buildRequest(String method, String url) {
        return new Sent(method, url);
    }

    private final class Sent extends LowLevelHttpRequest {
        private final String method;
        private final String url;
        private final Map<String, String> headers = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);

        private Sent(String method, String url) {
            this.method = method;
            this.url = url;
        }

        @Override
        public void addHeader(String name, String value) {
            if (!OURS.contains(name.toLowerCase(Locale.ROOT))) {
                headers.put(name, value);
            }
        }

        @Override
        public LowLevelHttpResponse execute() throws IOException {
            ByteArrayOutputStream body = new ByteArrayOutputStream();
            if (getStreamingContent() != null) {
                getStreamingContent().writeTo(body);
            }
            if (getContentType() != null) {
                headers.put("Content-Type", getContentType());
            }
            return new Answered(calls.ok(method, url, headers, body.toString(StandardCharsets.UTF_8)));
        }
    }

    private static final class Answered extends LowLevelHttpResponse {
        private final byte[] body;

        private Answered(String body) {
            this.body = body.getBytes(StandardCharsets.UTF_8);
        }

        @Override
        public InputStream getContent() {
            return new ByteArrayInputStream(body);
        }

        @Override
        public @Nullable String getContentEncoding() {
            return null;
        }

        @Override
        public long getContentLength() {
            return body.length;
        }

        @Override
        public String getContentType() {
            return "application/json; charset=UTF-8";
        }

        @Override
        public String getStatusLine() {
            return "HTTP/1.1 200 OK";
        }

        @Override
        public int getStatusCode() {
            return 200;
        }

        @Override
        public String getReasonPhrase() {
            return "OK";
        }

        @Override
        public int getHeaderCount() {
            return 0;
        }

        @Override
        public String getHeaderName(int index) {
            throw new IndexOutOfBoundsException(index);
        }

        @Override
        public String getHeaderValue(int index) {
            throw new IndexOutOfBoundsException(index);
        }
    }
}
