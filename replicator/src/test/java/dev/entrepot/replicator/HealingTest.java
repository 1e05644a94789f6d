package dev.entrepot.replicator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.RefusedException;
import dev.entrepot.replicator.MemoryRegistry.Abilities;
import dev.entrepot.replicator.ReplicationReport.Outcome;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a run does when a target says that it lacks what it has just been sent. */
class HealingTest {
    @TempDir
    private Path folder;

    private final MemoryRegistry source = new MemoryRegistry("source.test", Abilities.ALL);
    private final MemoryRepository app = source.repository("app");
    private final Shapes shapes = new Shapes(app);
    private final MemoryRegistry target = new MemoryRegistry("target.test", Abilities.NO_API);
    private final Rules rules = new Rules(source).to(target);
    private final Descriptor child = shapes.image("arm64");
    private final Descriptor index = shapes.index(List.of(shapes.image("amd64"), child));
    private Engine engine;

    @BeforeEach
    void open() throws IOException {
        engine = new Engine(folder);
        shapes.tag("v1", index);
    }

    @AfterEach
    void close() throws IOException {
        engine.close();
    }

    private static RefusedException lacking() {
        return new RefusedException(400, "MANIFEST_BLOB_UNKNOWN", "lacks what it names");
    }

    // The first so many times that the index comes.
    private void refuseTheIndex(int times) {
        AtomicInteger left = new AtomicInteger(times);
        target.gate((number, request) -> {
            if (request.equals("PUT manifest mirror/app " + index.digest()) && left.getAndDecrement() > 0) {
                throw lacking();
            }
        });
    }

    @Test
    void whatHeadShowsToBeThereIsNotSentAgainWhereARefusalPasses() throws IOException {
        refuseTheIndex(1);

        ReplicationReport report = engine.run(rules);

        assertThat(report.outcome()).as(ReportWriter.toText(report)).isEqualTo(Outcome.COMPLETE);
        assertThat(report.tally()).returns(0L, Tally::repaired).returns(5L, Tally::blobsPushed);
        assertThat(target.requests("PUT blob")).hasSize(5);
        Completeness.assertComplete(app, "v1", target, "mirror/app");
    }

    @Test
    void childrenAreSentAgainWithoutTheirBlobsWhereARefusalStays() throws IOException {
        refuseTheIndex(2);

        ReplicationReport report = engine.run(rules);

        assertThat(report.outcome()).as(ReportWriter.toText(report)).isEqualTo(Outcome.COMPLETE);
        assertThat(report.tally()).returns(2L, Tally::manifestsRepaired).returns(0L, Tally::blobsRepaired);
        assertThat(target.requests("PUT blob")).hasSize(5);
    }

    @Test
    void childThatIsGoneIsSentAgainAlone() throws IOException {
        MemoryRepository mirror = target.repository("mirror/app");
        AtomicBoolean lost = new AtomicBoolean();
        target.gate((number, request) -> {
            if (request.equals("PUT manifest mirror/app " + index.digest()) && lost.compareAndSet(false, true)) {
                mirror.manifests.remove(child.digest());
                throw lacking();
            }
        });

        ReplicationReport report = engine.run(rules);

        assertThat(report.outcome()).as(ReportWriter.toText(report)).isEqualTo(Outcome.COMPLETE);
        assertThat(report.tally()).returns(1L, Tally::repaired).returns(1L, Tally::manifestsRepaired);
        Completeness.assertComplete(app, "v1", target, "mirror/app");
    }

    // As docker-registry does, which empties its note of a manifest while the manifest gets a tag.
    @Test
    void childIsNotTaggedWhileTheIndexThatNamesItIsTakenIn() throws IOException {
        shapes.tag("v1-arm64", child);
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch met = new CountDownLatch(1);
        AtomicBoolean rewriting = new AtomicBoolean();
        target.gate((number, request) -> {
            if (request.equals("PUT manifest mirror/app v1-arm64")) {
                rewriting.set(true);
                begun.countDown();
                await(met);
                rewriting.set(false);
            } else if (request.equals("PUT manifest mirror/app " + index.digest())) {
                await(begun);
                if (rewriting.get()) {
                    met.countDown();
                    throw lacking();
                }
            }
        });

        ReplicationReport report = engine.run(rules);

        assertThat(report.outcome()).as(ReportWriter.toText(report)).isEqualTo(Outcome.COMPLETE);
        assertThat(met.getCount()).as("met").isEqualTo(1);
        assertThat(report.tally().repaired()).isZero();
    }

    // A moment in which both would meet if they could.
    private static boolean await(CountDownLatch latch) throws InterruptedIOException {
        try {
            return latch.await(200, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted");
        }
    }
}
