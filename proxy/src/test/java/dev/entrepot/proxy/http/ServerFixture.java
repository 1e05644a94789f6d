package dev.entrepot.proxy.http;

import dev.entrepot.oci.RegistryHost;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;

/**
 * A registry server on a real socket, over repositories in memory, with Docker Hub as default and two other upstreams.
 */
final class ServerFixture implements AutoCloseable {
    static final ServerSettings SETTINGS = new ServerSettings(
            Optional.of("127.0.0.1"),
            0,
            Optional.empty(),
            100,
            0,
            Optional.empty(),
            Duration.ofSeconds(10),
            Duration.ofSeconds(30),
            Duration.ofSeconds(10),
            Duration.ofSeconds(30));

    final FakeRepositories repositories = new FakeRepositories();
    final BlockingQueue<RequestRecord> records = new LinkedBlockingQueue<>();
    final BlockingQueue<Integer> unreadable = new LinkedBlockingQueue<>();
    final RegistryServer server;

    ServerFixture() {
        this(settings -> settings);
    }

    ServerFixture(UnaryOperator<ServerSettings> change) {
        this(change, Gate.OPEN);
    }

    ServerFixture(UnaryOperator<ServerSettings> change, Gate gate) {
        List<UpstreamNames> upstreams = List.of(
                new UpstreamNames(RegistryHost.DOCKER_HUB, List.of("hub"), List.of("hub.mirror.test")),
                UpstreamNames.of(RegistryHost.parse("quay.io")),
                UpstreamNames.of(RegistryHost.parse("localhost:5000")));
        RequestObserver observer = new RequestObserver() {
            @Override
            public void finished(RequestRecord request) {
                records.add(request);
            }

            @Override
            public void unreadable(int status) {
                unreadable.add(status);
            }
        };
        server = new RegistryServer(
                change.apply(SETTINGS),
                repositories,
                new UpstreamRouter(upstreams, Optional.of(RegistryHost.DOCKER_HUB)),
                gate,
                OwnCredentials.NONE,
                observer,
                InstantSource.system(),
                System::nanoTime);
        try {
            server.start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    RawConnection connect() throws IOException {
        return new RawConnection(server.port());
    }

    /** The record of the next request that ended. */
    RequestRecord nextRecord() throws InterruptedException {
        RequestRecord next = records.poll(10, TimeUnit.SECONDS);
        if (next == null) {
            throw new AssertionError("no request ended");
        }
        return next;
    }

    @Override
    public void close() {
        server.close();
    }
}
