package dev.entrepot.replicator.fill;

import dev.entrepot.oci.Digest;
import java.util.List;
import java.util.Optional;

/**
 * What came of filling one graph.
 *
 * @param request what was wanted
 * @param root what the reference named; empty if that could not be found out
 * @param manifests how many manifests of the graph are in the cache
 * @param blobs how many of its blobs are
 * @param bytes the sizes of both, in bytes
 * @param failures what is missing, and why
 */
public record FillReport(
        FillRequest request, Optional<Digest> root, int manifests, int blobs, long bytes, List<Failure> failures) {
    /** Copies the list. */
    public FillReport {
        failures = List.copyOf(failures);
    }

    /**
     * Something that is missing.
     *
     * @param node a digest, or the image where not even its graph could be discovered
     * @param cause why, for people
     */
    public record Failure(String node, String cause) {}

    /** Whether the whole graph is in the cache. */
    public boolean isComplete() {
        return failures.isEmpty();
    }
}
