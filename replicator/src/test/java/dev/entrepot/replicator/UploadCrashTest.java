package dev.entrepot.replicator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.testing.Bundle;
import dev.entrepot.oci.testing.CrashProcess;
import dev.entrepot.oci.testing.Fault;
import dev.entrepot.oci.testing.Gate;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.RecordedCall;
import dev.entrepot.oci.testing.Request;
import dev.entrepot.oci.testing.Requests;
import dev.entrepot.oci.testing.TestRegistry;
import dev.entrepot.replicator.journal.CopyJournal;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UploadCrashTest {
    private static final long PART = 16L << 20;
    // What is sent after the stall is more than the buffers between two sockets hold, so that it never arrives whole.
    private static final long LAYER = 2 * PART;
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
            Digest layer = layer(big);
            killAt(gate, source.uri(), target.uri(), layer);
            target.calls().awaitIdle();
            assertThat(target.resolve("mirror/app", "big")).isEmpty();
            target.calls().clear();

            ReplicationReport report = CrashFleet.run(folder, source.uri(), List.of(target.uri()));

            assertThat(report.outcome()).as(ReportWriter.toText(report)).isEqualTo(ReplicationReport.Outcome.COMPLETE);
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

    private static Digest layer(Bundle image) {
        return image.blobs().entrySet().stream()
                .filter(entry -> entry.getValue().sizeBytes() == LAYER)
                .findFirst()
                .orElseThrow()
                .getKey();
    }

    private static long firstByte(Request request) {
        return Long.parseLong(request.header("Content-Range").orElseThrow().split("-")[0]);
    }

    private void killAt(Gate gate, URI source, URI target, Digest layer) throws Exception {
        try (CrashProcess process = CrashProcess.start(
                RandomCrashTest.Program.class, folder.toString(), source.toString(), target.toString())) {
            gate.awaitArrivals(1);
            awaitNote(target, layer);
            process.kill();
        } finally {
            gate.open();
        }
    }

    // Where an upload is gets to the disk soon after the part itself, not with it.
    private void awaitNote(URI target, Digest layer) throws IOException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        try (CopyJournal journal = CopyJournal.openForReading(folder, InstantSource.system())) {
            while (journal.content()
                    .upload(target.getAuthority(), new RepositoryName("mirror/app"), layer)
                    .isEmpty()) {
                assertThat(System.nanoTime()).isLessThan(deadline);
                Thread.onSpinWait();
            }
        }
    }
}
