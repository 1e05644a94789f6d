package dev.entrepot.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.testing.Bundle;
import dev.entrepot.oci.testing.Fault;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.Request;
import dev.entrepot.oci.testing.Requests;
import dev.entrepot.oci.testing.Response;
import dev.entrepot.oci.testing.TestRegistry;
import dev.entrepot.proxy.CommandRunner.Result;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Replication from an upstream that counts pulls. */
class ReplicationQuotaTest {
    private static final Predicate<Request> PULLS = Requests.get().and(Requests.manifests());

    @TempDir
    private Path folder;

    private final TestRegistry hub = TestRegistry.started();
    private final TestRegistry target = TestRegistry.started();

    @AfterEach
    void stop() {
        hub.close();
        target.close();
    }

    private void configure(String reserve) throws Exception {
        Files.writeString(folder.resolve("entrepot.yaml"), """
                server: {listen: "127.0.0.1:0", admin: "127.0.0.1:0", drain: 1s}
                cache: {directory: ./data, min-free: 1MiB}
                builtin-upstreams: false
                default-upstream: hub.test
                upstreams:
                  hub.test: {url: "%s", quota-reserve: %s}
                """.formatted(hub.uri(), reserve));
    }

    @Test
    void treeOfWhatIsKeptCostsNoPullAndOfWhatIsNotNoneThatIsKeptForClients() throws Exception {
        Images images = new Images(5);
        Bundle index = hub.push("team/app", images.index("linux/amd64", "linux/arm64", "linux/s390x"), "v1");
        CommandRunner commands = new CommandRunner(folder);
        configure("2");
        hub.quota(3);

        Result stopped = commands.run("tree", "hub.test/team/app:v1");
        assertThat(stopped.code()).as(stopped.out()).isEqualTo(1);
        assertThat(stopped.err()).contains("quota-reserve");
        assertThat(hub.calls().count(PULLS)).isLessThanOrEqualTo(1);

        hub.quota(100);
        assertThat(commands.runOn("hub.test/team/app:v1\n", "cache", "warm", "-")
                        .code())
                .isZero();
        int pulls = hub.calls().count(PULLS);
        Result kept = commands.run("tree", "hub.test/team/app:v1");
        assertThat(kept.code()).as(kept.err()).isZero();
        assertThat(kept.out()).contains(index.digest().toString());
        assertThat(hub.calls().count(PULLS)).isEqualTo(pulls);
    }

    @Test
    void treeIsReadThroughTheServerThatHasTheFolderOpen() throws Exception {
        Images images = new Images(6);
        Bundle index = hub.push("team/app", images.index("linux/amd64", "linux/arm64"), "v1");
        configure("2");
        hub.quota(100);
        CommandRunner commands = new CommandRunner(folder);
        commands.run(
                mirror -> {
                    assertThat(commands.run("tree", "hub.test/team/app:v1").code())
                            .isZero();
                    int pulls = hub.calls().count(PULLS);
                    assertThat(pulls).isEqualTo(3);
                    Result again = commands.run("tree", "hub.test/team/app:v1");
                    assertThat(again.out()).contains(index.digest().toString());
                    assertThat(hub.calls().count(PULLS)).isEqualTo(pulls);
                },
                "serve");
    }

    @Test
    void exportThroughAServerLeavesWhatIsKeptForClients() throws Exception {
        hub.push("team/app", new Images(7).index("linux/amd64", "linux/arm64", "linux/s390x"), "v1");
        configure("2");
        hub.quota(3);
        CommandRunner commands = new CommandRunner(folder);
        commands.run(
                mirror -> {
                    Result stopped = commands.run("export", "hub.test/team/app:v1", "--output", "out", "--unsigned");
                    assertThat(stopped.code()).as(stopped.out()).isEqualTo(1);
                    assertThat(stopped.out() + stopped.err())
                            .contains("reading through the server", "FAILED", "team/app:v1")
                            .contains(
                                    "hub.test is not asked",
                                    "of 3 pulls are left, which are kept for clients (quota-reserve)",
                                    "at the latest until 20",
                                    "it asks to be left alone for ");
                    assertThat(hub.calls().count(PULLS)).isLessThanOrEqualTo(1);
                },
                "serve");
    }

    @Test
    void exportOfABlobThatTheServerMayNotFetchNamesTheUpstreamAndWhenToComeBack() throws Exception {
        Bundle image = hub.push("team/app", new Images(7).image(20_000), "v1");
        configure("2");
        Digest layer = List.copyOf(image.blobs().keySet()).getLast();
        hub.faults()
                .always(
                        Requests.get().and(Requests.blob(layer)),
                        Fault.instead(Response.of(429).header("Retry-After", "3000")));
        CommandRunner commands = new CommandRunner(folder);
        commands.run(
                mirror -> {
                    Result stopped = commands.run("export", "hub.test/team/app:v1", "--output", "out", "--unsigned");
                    assertThat(stopped.code()).as(stopped.out()).isEqualTo(1);
                    assertThat(stopped.err())
                            .contains(
                                    "answered 503 TOOMANYREQUESTS: ",
                                    layer.toString(),
                                    hub.uri().getAuthority())
                            .containsPattern("it asks to be left alone for (2[89]\\d\\d|3000) s");
                },
                "serve");
    }

    @Test
    void exportFromTheUpstreamLeavesWhatIsKeptForClients() throws Exception {
        hub.push("team/app", new Images(7).index("linux/amd64", "linux/arm64", "linux/s390x"), "v1");
        configure("2");
        hub.quota(3);
        Result stopped = new CommandRunner(folder)
                .run("export", "hub.test/team/app:v1", "--output", "out", "--unsigned", "--from", "upstream");
        assertThat(stopped.code()).as(stopped.out()).isEqualTo(1);
        assertThat(stopped.out() + stopped.err()).contains("quota-reserve");
        assertThat(hub.calls().count(PULLS)).isLessThanOrEqualTo(1);
    }

    @Test
    void runStopsAtTheReserveSaysSoAndGoesOnWhenThereIsMore() throws Exception {
        Images images = new Images(4);
        for (int i = 0; i < 12; i++) {
            hub.push("team/app", images.image(100), "v" + i);
        }
        hub.quota(20);
        Files.writeString(folder.resolve("entrepot.yaml"), """
                cache: {directory: ./data, min-free: 1MiB}
                builtin-upstreams: false
                default-upstream: hub.test
                upstreams:
                  hub.test: {url: "%s", quota-reserve: 50%%}
                replication:
                  rules:
                    - {name: all, source: hub.test, repositories: [team/app], tags: ["v*"], targets: [{url: "%s"}]}
                """.formatted(hub.uri(), target.uri()));
        CommandRunner commands = new CommandRunner(folder);
        Result stopped = commands.run("sync", "all");
        assertThat(stopped.code()).as(stopped.out() + stopped.err()).isIn(1, 3);
        assertThat(stopped.out()).contains("pulls are left, which are kept for clients (quota-reserve)");
        assertThat(hub.calls().count(PULLS)).isLessThanOrEqualTo(10);
        hub.quota(1000);
        Result complete = commands.run("sync", "all");
        assertThat(complete.code()).as(complete.out() + complete.err()).isZero();
        assertThat(target.tags("team/app")).hasSize(12);
    }
}
