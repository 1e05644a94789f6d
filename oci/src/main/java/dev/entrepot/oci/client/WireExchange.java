package dev.entrepot.oci.client;

import dev.entrepot.oci.RegistryHost;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.time.Duration;
import java.time.Instant;
import java.util.OptionalInt;
import org.apache.hc.client5.http.classic.methods.HttpUriRequestBase;
import org.apache.hc.client5.http.impl.classic.CloseableHttpClient;
import org.apache.hc.core5.http.ClassicHttpResponse;
import org.apache.hc.core5.http.ContentType;
import org.apache.hc.core5.http.HttpEntity;
import org.apache.hc.core5.http.HttpHost;
import org.apache.hc.core5.http.io.entity.AbstractHttpEntity;
import org.apache.hc.core5.http.io.entity.ByteArrayEntity;
import org.jspecify.annotations.Nullable;

/** Puts a request on the wire as it is, and tells the observer. */
final class WireExchange implements Exchange {
    private static final int COPY_BUFFER_BYTES = 64 * 1024;

    private final CloseableHttpClient http;
    private final RegistryHost registry;
    private final ClientEnvironment environment;

    WireExchange(CloseableHttpClient http, RegistryHost registry, ClientEnvironment environment) {
        this.http = http;
        this.registry = registry;
        this.environment = environment;
    }

    @Override
    public ApiResponse send(ApiRequest request) throws IOException {
        HttpUriRequestBase message = new HttpUriRequestBase(request.method(), request.uri());
        // What is fetched is verified by its digest, resumed by offset and handed on as it is.
        message.setHeader("Accept-Encoding", "identity");
        request.headers().forEach(message::setHeader);
        HttpEntity entity = entity(request.body());
        if (entity != null) {
            message.setEntity(entity);
        }
        Origin origin = Origin.of(request.uri());
        Instant start = environment.clock().instant();
        OptionalInt status = OptionalInt.empty();
        try {
            ClassicHttpResponse response =
                    http.executeOpen(new HttpHost(origin.scheme(), origin.host(), origin.port()), message, null);
            status = OptionalInt.of(response.getCode());
            return new ApiResponse(request, response, message::cancel);
        } catch (IOException e) {
            throw WireFaults.translate(e, request.what(), request.host());
        } finally {
            Duration took = Duration.between(start, environment.clock().instant());
            environment.observer().completed(registry, request.operation(), status, took);
        }
    }

    private static @Nullable HttpEntity entity(RequestBody body) {
        return switch (body) {
            case RequestBody.None none -> null;
            case RequestBody.Bytes bytes ->
                new ByteArrayEntity(
                        bytes.bytes(), ContentType.create(bytes.type().value()));
            case RequestBody.Stream stream -> new StreamEntity(stream);
        };
    }

    /** A body of a known length from a source whose faults are told apart from those of the wire. */
    private static final class StreamEntity extends AbstractHttpEntity {
        private final RequestBody.Stream stream;

        StreamEntity(RequestBody.Stream stream) {
            super(ContentType.create(stream.type().value()), null);
            this.stream = stream;
        }

        @Override
        public void writeTo(OutputStream out) throws IOException {
            byte[] buffer = new byte[COPY_BUFFER_BYTES];
            try (SourceStream in = new SourceStream(stream.opener())) {
                for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
                    out.write(buffer, 0, count);
                }
            }
        }

        @Override
        public InputStream getContent() {
            throw new UnsupportedOperationException("this body is only written");
        }

        @Override
        public boolean isStreaming() {
            return true;
        }

        @Override
        public boolean isRepeatable() {
            return true;
        }

        @Override
        public long getContentLength() {
            return stream.length();
        }

        @Override
        public void close() {}
    }

    private static final class SourceStream implements AutoCloseable {
        private final InputStream in;

        SourceStream(RequestBody.Opener opener) throws SourceFault {
            try {
                in = opener.open();
            } catch (IOException e) {
                throw new SourceFault(e);
            }
        }

        int read(byte[] buffer) throws SourceFault {
            try {
                return in.read(buffer);
            } catch (IOException e) {
                throw new SourceFault(e);
            }
        }

        @Override
        public void close() throws SourceFault {
            try {
                in.close();
            } catch (IOException e) {
                throw new SourceFault(e);
            }
        }
    }
}
