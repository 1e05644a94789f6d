package dev.entrepot.oci.client;

import dev.entrepot.oci.BlobBody;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.RepositoryName;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.zip.GZIPOutputStream;

/** A world in which time passes only when somebody sleeps, and every request is written down. */
final class TestWorld extends Clock implements Sleeper {
    static final RegistryHost REGISTRY = RegistryHost.parse("registry.test");
    static final RepositoryName NAME = new RepositoryName("team/app");

    final List<Duration> pauses = new CopyOnWriteArrayList<>();
    final List<String> requests = new CopyOnWriteArrayList<>();
    /** The methods of all requests, each from when it is about to be sent. */
    final List<String> begun = new CopyOnWriteArrayList<>();

    /** How many of the bodies that were made here are not closed. */
    final AtomicInteger openBodies = new AtomicInteger();
    /** How many that were at each of the pauses. */
    final List<Integer> openInPauses = new CopyOnWriteArrayList<>();

    private final AtomicReference<Instant> now = new AtomicReference<>(Instant.parse("2026-11-20T10:00:00Z"));

    ClientEnvironment environment() {
        return new ClientEnvironment(this, this, new Random(1), new Observer(), Map.of(), "entrepot/test");
    }

    private final class Observer implements RequestObserver {
        @Override
        public void completed(RegistryHost registry, Operation operation, OptionalInt status, Duration took) {
            requests.add(operation.label() + " " + (status.isPresent() ? status.getAsInt() : "-"));
        }

        @Override
        public Sending sending(RegistryHost registry, Operation operation, String method, URI uri) {
            begun.add(method);
            return Sending.UNFOLLOWED;
        }
    }

    static RegistryEndpoint endpoint(String baseUrl) {
        return RegistryEndpoint.of(REGISTRY, URI.create(baseUrl))
                .withTimeouts(Duration.ofSeconds(2), Duration.ofSeconds(5));
    }

    RegistryClient client(String baseUrl) throws IOException {
        return new RegistryClient(endpoint(baseUrl), environment());
    }

    static byte[] gzipped(byte[] bytes) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (GZIPOutputStream gzip = new GZIPOutputStream(out)) {
            gzip.write(bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return out.toByteArray();
    }

    /** A whole blob of a source; it counts as open until it is closed. */
    BlobBody body(long size, InputStream stream) {
        openBodies.incrementAndGet();
        return new BlobBody() {
            private final AtomicBoolean open = new AtomicBoolean(true);

            @Override
            public InputStream stream() {
                return stream;
            }

            @Override
            public long offset() {
                return 0;
            }

            @Override
            public OptionalLong totalBytes() {
                return OptionalLong.of(size);
            }

            @Override
            public void close() throws IOException {
                if (open.getAndSet(false)) {
                    openBodies.decrementAndGet();
                    stream.close();
                }
            }
        };
    }

    void advance(Duration duration) {
        now.updateAndGet(instant -> instant.plus(duration));
    }

    @Override
    public void sleep(Duration duration) {
        pauses.add(duration);
        openInPauses.add(openBodies.get());
        advance(duration);
    }

    @Override
    public Instant instant() {
        return now.get();
    }

    @Override
    public ZoneId getZone() {
        return ZoneOffset.UTC;
    }

    @Override
    public Clock withZone(ZoneId zone) {
        throw new UnsupportedOperationException("one zone is enough");
    }
}
