package dev.entrepot.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.config.ConfigLoader;
import dev.entrepot.config.EntrepotConfig;
import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.oci.client.MirrorEndpoint;
import dev.entrepot.oci.client.RegistryClient;
import dev.entrepot.oci.testing.Fault;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.Request;
import dev.entrepot.oci.testing.Requests;
import dev.entrepot.oci.testing.TestRegistry;
import dev.entrepot.proxy.CommandRunner.Result;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A command serves nobody: it may ask its source, and the mirrors of that, all that they are to be asked at a time. */
class CommandSlotsTest {
    private static final int SLOTS = 4;

    @TempDir
    private Path folder;

    private final TestRegistry source = TestRegistry.started();
    private final TestRegistry mirror = TestRegistry.started();
    private final TestRegistry target = TestRegistry.started();

    @AfterEach
    void close() {
        source.close();
        mirror.close();
        target.close();
    }

    /** Holds requests until as many are there as there are slots, or until it is clear that they will not come. */
    private static final class Gathering implements Fault {
        private static final long LONGEST_NANOS = 10_000_000_000L;
        private int now;
        private int most;

        @Override
        public synchronized Request before(Request request) throws InterruptedException {
            now++;
            most = Math.max(most, now);
            notifyAll();
            long end = System.nanoTime() + LONGEST_NANOS;
            for (long left = LONGEST_NANOS; most < SLOTS && left > 0; left = end - System.nanoTime()) {
                wait(Math.ceilDiv(left, 1_000_000));
            }
            now--;
            return request;
        }

        synchronized int most() {
            return most;
        }
    }

    private CommandRunner commands() throws IOException {
        Files.writeString(folder.resolve("entrepot.yaml"), """
                server: {listen: "127.0.0.1:0", admin: "127.0.0.1:0"}
                cache: {directory: ./data, min-free: 1MiB}
                builtin-upstreams: false
                upstreams:
                  registry.test: {url: "%s", max-concurrent-requests: %d}
                  mirrored.test: {url: "%s", max-concurrent-requests: %d, mirrors: [{url: "%s"}]}
                replication:
                  rules:
                    - {name: plain, source: registry.test, repositories: [app], targets: [{url: "%s", prefix: a}]}
                    - {name: mirrored, source: mirrored.test, repositories: [app], targets: [{url: "%s", prefix: b}]}
                """.formatted(
                        source.uri(), SLOTS, source.uri(), SLOTS, mirror.uri(), target.uri(), target.uri()));
        return new CommandRunner(folder);
    }

    @ParameterizedTest
    @ValueSource(strings = {"plain", "mirrored"})
    void syncReadsAsManyBlobsFromItsSourceAsThatIsToBeAskedForAtATime(String rule) throws IOException {
        CommandRunner commands = commands();
        for (TestRegistry registry : List.of(source, mirror)) {
            registry.push("app", new Images(7).image(900, 800, 700, 600, 500, 400), "v1");
        }
        Gathering gathering = new Gathering();
        TestRegistry asked = rule.equals("plain") ? source : mirror;
        asked.faults().always(Requests.get().and(Requests.blobs()), gathering);

        Result result = commands.run("sync", rule);

        assertThat(result).as(result.out() + result.err()).returns(0, Result::code);
        assertThat(gathering.most()).isEqualTo(SLOTS);
    }

    @Test
    void serverKeepsSomeOfThemForItsClients() throws Exception {
        commands();
        EntrepotConfig config =
                ConfigLoader.load(Optional.empty(), folder, Map.of()).config();
        ClientEnvironment world = ClientEnvironment.system("test");

        try (OpenedCache served = OpenedCache.forServing(config, world)) {
            assertThat(servesClients(served)).containsExactly(true, true, true);
            assertThat(served.registries().servesClients()).isTrue();
        }
        try (OpenedCache own = new OpenedCache(config, world)) {
            assertThat(servesClients(own)).containsExactly(false, false, false);
            assertThat(own.registries().servesClients()).isFalse();
        }
    }

    private static List<Boolean> servesClients(OpenedCache cache) {
        return cache.clients().values().stream()
                .flatMap(client -> Stream.concat(
                        Stream.of(client), client.mirrors().stream().map(MirrorEndpoint::client)))
                .map(RegistryClient::endpoint)
                .map(endpoint -> endpoint.servesClients())
                .toList();
    }
}
