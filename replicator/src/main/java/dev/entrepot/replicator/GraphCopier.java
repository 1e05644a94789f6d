package dev.entrepot.replicator;

import dev.entrepot.oci.Causes;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.ItemReport.State;
import dev.entrepot.replicator.graph.ArtifactGraph;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.Semaphore;

/**
 * Does the plan of one target: images side by side, each begun in the order of the plan. One that fails fails alone.
 */
final class GraphCopier {
    // Images being copied to one target at once. An image waits only for earlier ones, which have begun, so the window
    // cannot lock up.
    private static final int WINDOW = 32;

    private final TargetSession session;
    private final ProgressListener progress;

    GraphCopier(TargetSession session, ProgressListener progress) {
        this.session = session;
        this.progress = progress;
    }

    /**
     * Copies all images and returns what came of each, in the order of the plan.
     *
     * @throws InterruptedIOException if interrupted; the images in progress are then interrupted too
     */
    List<ItemReport> copy(List<ImageWork> works) throws IOException {
        Semaphore window = new Semaphore(WINDOW);
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<ItemReport>> futures = new ArrayList<>(works.size());
            try {
                for (ImageWork work : works) {
                    window.acquire();
                    FutureTask<ItemReport> task = new FutureTask<>(() -> {
                        try {
                            ItemReport item = copy(work);
                            progress.finished(item);
                            return item;
                        } finally {
                            window.release();
                        }
                    });
                    futures.add(task);
                    threads.execute(Causes.handedOn(task));
                }
                List<ItemReport> reports = new ArrayList<>(works.size());
                for (Future<ItemReport> future : futures) {
                    reports.add(future.get());
                }
                return reports;
            } catch (InterruptedException e) {
                threads.shutdownNow();
                Thread.currentThread().interrupt();
                throw new InterruptedIOException("interrupted while copying to " + session.name());
            } catch (ExecutionException e) {
                threads.shutdownNow();
                throw new IOException("copying to " + session.name() + " failed", e.getCause());
            }
        }
    }

    private ItemReport copy(ImageWork work) throws IOException {
        ImagePlan plan = work.plan();
        return switch (plan.action()) {
            case SKIP -> settled(work, State.SKIPPED);
            case FAIL -> report(plan, State.FAILED, plan.failure(), Tally.NONE);
            case UP_TO_DATE -> settled(work, State.UP_TO_DATE);
            case COPY -> copyImage(work);
        };
    }

    // One that was compared in full is noted, so that the next run need not compare it again.
    private ItemReport settled(ImageWork work, State state) throws IOException {
        if (work.graph().isPresent() && work.tag().isPresent()) {
            ArtifactGraph graph = work.graph().get();
            SourceTag tag = work.tag().get();
            Tag name = tag.tag();
            Digest published = session.repository(work.plan().repository())
                    .head(name)
                    .map(Descriptor::digest)
                    .orElse(graph.root().digest());
            try {
                new ImageCopy(session, work.plan(), tag, graph).journal(published);
            } catch (CopyException e) {
                return failed(work.plan(), e.failure(), Tally.NONE);
            }
        }
        return report(work.plan(), state, Optional.empty(), Tally.NONE);
    }

    private ItemReport copyImage(ImageWork work) throws IOException {
        ImageCopy copy = new ImageCopy(
                session, work.plan(), work.tag().orElseThrow(), work.graph().orElseThrow());
        try {
            Digest published = copy.copy();
            ItemReport copied = report(work.plan(), State.COPIED, Optional.empty(), copy.tally());
            return work.plan().nodes().stream()
                    .filter(ImagePlan.Node::manifest)
                    .map(ImagePlan.Node::descriptor)
                    .filter(node -> node.digest().equals(published))
                    .findFirst()
                    .map(node -> copied.publishing(new ItemReport.Published(
                            node, session.registry().urlOf(work.plan().repository(), published))))
                    .orElse(copied);
        } catch (InterruptedIOException e) {
            throw e;
        } catch (CopyException e) {
            return failed(work.plan(), e.failure(), copy.tally());
        } catch (IOException | RuntimeException e) {
            String node = work.plan()
                    .digest()
                    .map(Digest::toString)
                    .orElse(work.plan().tag());
            return failed(work.plan(), new ItemReport.Failure(Side.LOCAL, node, e.toString()), copy.tally());
        }
    }

    private ItemReport failed(ImagePlan plan, ItemReport.Failure failure, Tally tally) {
        return report(plan, State.FAILED, Optional.of(failure), tally);
    }

    private ItemReport report(ImagePlan plan, State state, Optional<ItemReport.Failure> failure, Tally tally) {
        return new ItemReport(
                session.name(),
                plan.source(),
                plan.repository(),
                plan.tag(),
                plan.digest(),
                state,
                failure.isPresent() ? "" : plan.reason(),
                failure,
                tally);
    }
}
