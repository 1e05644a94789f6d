package dev.entrepot.replicator.fill;

import dev.entrepot.cache.PullThrough;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Repository;
import dev.entrepot.replicator.graph.ArtifactGraph;
import dev.entrepot.replicator.graph.Concurrently;
import dev.entrepot.replicator.graph.GraphScope;
import dev.entrepot.replicator.graph.GraphWalker;
import dev.entrepot.replicator.graph.ManifestShelf;
import dev.entrepot.replicator.graph.ReferrerFilter;
import dev.entrepot.replicator.graph.RepositoryDiscovery;
import dev.entrepot.replicator.graph.RequestLimit;
import dev.entrepot.replicator.graph.WalkLimits;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * Brings whole graphs into the cache: the manifests by walking the graph, then its blobs, each through the one fetch
 * that clients share. Safe for all threads.
 */
public final class GraphFiller {
    // Of one graph. The upstream's own limits are tighter where it is busy, and clients go before.
    private static final int REQUESTS = 8;
    private static final int BLOBS = 4;
    private static final long SHELF_BYTES = 4L << 20;

    private final Function<Repository, PullThrough> repositories;

    /**
     * A filler of these repositories. They ask the upstream in the background, so that whoever pulls goes first, and
     * each time, so that what is brought is what is so now. The function throws {@link IllegalArgumentException} for
     * one that there is no upstream for.
     */
    public GraphFiller(Function<Repository, PullThrough> repositories) {
        this.repositories = repositories;
    }

    /**
     * Brings a graph into the cache. What cannot be had is in the report; the rest is brought all the same.
     *
     * @throws InterruptedIOException if the thread is interrupted
     */
    public FillReport fill(FillRequest request) throws InterruptedIOException {
        ArtifactGraph graph;
        PullThrough repository;
        try {
            repository = repositories.apply(request.repository());
            graph = discover(request, repository);
        } catch (InterruptedIOException e) {
            throw e;
        } catch (IOException | IllegalArgumentException e) {
            return new FillReport(request, Optional.empty(), 0, 0, 0, List.of(failure(request.image(), e)));
        }
        List<Descriptor> blobs = graph.blobs();
        List<FillReport.Failure> failures = keep(repository, blobs);
        return new FillReport(
                request,
                Optional.of(graph.root().digest()),
                graph.nodes().size(),
                blobs.size() - failures.size(),
                graph.totalBytes() - missingBytes(blobs, failures),
                failures);
    }

    private static ArtifactGraph discover(FillRequest request, PullThrough repository) throws IOException {
        RepositoryDiscovery discovery = new RepositoryDiscovery(
                new FillSource(repository, request.referrers()),
                new GraphScope(request.platforms(), ReferrerFilter.ALL),
                new RequestLimit(REQUESTS),
                new ManifestShelf(SHELF_BYTES));
        Descriptor root = repository.keepManifest(request.reference()).descriptor();
        return GraphWalker.walk(discovery, root, WalkLimits.DEFAULT);
    }

    private static List<FillReport.Failure> keep(PullThrough repository, List<Descriptor> blobs)
            throws InterruptedIOException {
        try {
            List<FillReport.Failure> failures = new ArrayList<>();
            Concurrently.map(blobs, BLOBS, blob -> keep(repository, blob))
                    .forEach(failed -> failed.ifPresent(failures::add));
            return failures;
        } catch (InterruptedIOException e) {
            throw e;
        } catch (IOException e) {
            throw new IllegalStateException("each failure is in the report", e);
        }
    }

    private static Optional<FillReport.Failure> keep(PullThrough repository, Descriptor blob)
            throws InterruptedIOException {
        try {
            return repository.keepBlob(blob.digest())
                    ? Optional.empty()
                    : Optional.of(new FillReport.Failure(
                            blob.digest().toString(),
                            "the cache has no room for its " + blob.sizeBytes()
                                    + " bytes, or its disk failed; the log says which"));
        } catch (InterruptedIOException e) {
            throw e;
        } catch (IOException e) {
            return Optional.of(failure(blob.digest().toString(), e));
        }
    }

    private static long missingBytes(List<Descriptor> blobs, List<FillReport.Failure> failures) {
        Set<String> missing = failures.stream().map(FillReport.Failure::node).collect(Collectors.toSet());
        return blobs.stream()
                .filter(blob -> missing.contains(blob.digest().toString()))
                .mapToLong(Descriptor::sizeBytes)
                .sum();
    }

    private static FillReport.Failure failure(String node, Exception cause) {
        return new FillReport.Failure(node, String.valueOf(cause.getMessage()));
    }
}
