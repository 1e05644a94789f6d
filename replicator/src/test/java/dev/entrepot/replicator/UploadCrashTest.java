package dev.entrepot.replicator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.testing.Bundle;
import dev.entrepot.oci.testing.CrashProcess;
import dev.entrepot.oci.testing.Fault;
import dev.entrepot.oci.testing.Gate;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.RecordedCall;
import dev.entrepot.oci.testing.Request;
import dev.entrepot.oci.testing.Requests;
import dev.entrepot.oci.testing.TestRegistry;
import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UploadCrashTest {
    private static final long PART = 16L << 20;
    private static final long LAYER = PART + PART / 2;
    private static final Predicate<Request> SECOND_PART = Requests.method("PATCH")
            .and(request -> request.header("Content-Range").orElse("").startsWith(PART + "-"));

    @TempDir
    private Path folder;

    @Test
    void nextRunGoesOnWithTheUploadOfAKilledOne() throws Exception {
        try (TestRegistry source = TestRegistry.started();
                TestRegistry target = TestRegistry.started()) {
            new CrashFleet().loadInto(source);
            Bundle big = source.push("app", new Images(3).image(LAYER), "big");
            Gate gate = new Gate();
            target.faults().once(SECOND_PART, Fault.stallUploadAfter(PART / 4, gate));
            killAt(gate, source.uri(), target.uri());
            target.calls().awaitIdle();
            assertThat(target.resolve("mirror/app", "big")).isEmpty();
            target.calls().clear();

            ReplicationReport report = CrashFleet.run(folder, source.uri(), List.of(target.uri()));

            assertThat(report.outcome()).as(ReportWriter.toText(report)).isEqualTo(ReplicationReport.Outcome.COMPLETE);
            Digest layer = big.blobs().entrySet().stream()
                    .filter(entry -> entry.getValue().sizeBytes() == LAYER)
                    .findFirst()
                    .orElseThrow()
                    .getKey();
            assertThat(target.blob("mirror/app", layer).map(content -> content.digest(layer.algorithm())))
                    .contains(layer);
            assertThat(target.requests(Requests.method("PATCH")))
                    .extracting(RecordedCall::request)
                    .singleElement()
                    .satisfies(request -> assertThat(firstByte(request)).isBetween(PART + PART / 4, LAYER - 1));
            assertThat(report.items())
                    .filteredOn(item -> item.tag().equals("big"))
                    .allSatisfy(item -> assertThat(item.tally().bytes()).isLessThan(PART));
        }
    }

    private static long firstByte(Request request) {
        return Long.parseLong(request.header("Content-Range").orElseThrow().split("-")[0]);
    }

    private void killAt(Gate gate, URI source, URI target) throws InterruptedException {
        try (CrashProcess process = CrashProcess.start(
                RandomCrashTest.Program.class, folder.toString(), source.toString(), target.toString())) {
            gate.awaitArrivals(1);
            process.kill();
        } finally {
            gate.open();
        }
    }
}
