package dev.entrepot.replicator;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.replicator.graph.ArtifactGraph;
import dev.entrepot.replicator.graph.Concurrently;
import dev.entrepot.replicator.graph.DiscoveryException;
import dev.entrepot.replicator.graph.ManifestShelf;
import dev.entrepot.replicator.graph.RepositoryDiscovery;
import dev.entrepot.replicator.graph.RequestLimit;
import dev.entrepot.replicator.journal.CompletedTag;
import java.io.IOException;
import java.util.LinkedHashSet;
import java.util.Optional;
import java.util.Set;

/**
 * Reads back an image that the journal has as complete and the source does not have any more: the target's own graph,
 * each blob of it to its end. It may be found whole; what is wrong with it cannot be mended.
 */
final class SourcelessImage {
    private static final long SHELF_BYTES = 1L << 20;

    private final TargetSession session;
    private final TargetRepository repository;
    private final CompletedTag known;
    private final RequestLimit reads;

    /**
     * Of one tag.
     *
     * @param known what the journal has of it
     * @param reads what may be read of the target at once
     */
    SourcelessImage(TargetSession session, TargetRepository repository, CompletedTag known, RequestLimit reads) {
        this.session = session;
        this.repository = repository;
        this.known = known;
        this.reads = reads;
    }

    /**
     * Reads all of it.
     *
     * @param live what the tag names at the target
     * @throws CopyException if that is not what the journal has, or something of it is missing or is not what its
     *     digest says, or the target gave no answer
     */
    void requireWhole(Optional<Descriptor> live) throws IOException {
        Descriptor root = live.filter(there -> there.digest().equals(known.targetDigest()))
                .orElseThrow(() -> lost(
                        known.targetDigest(),
                        "the tag " + known.tag() + " names "
                                + live.map(there -> there.digest().toString()).orElse("nothing") + " there"));
        ArtifactGraph graph = graph(root);
        for (Digest manifest : manifests()) {
            if (!graph.contains(manifest)) {
                throw lost(manifest, "the manifest " + manifest + " is not there, or not attached to its subject");
            }
        }
        Concurrently.map(graph.blobs(), blob -> {
            if (!at(blob.digest(), () -> repository.hadBlob(blob) && reads.send(() -> repository.wasWhole(blob)))) {
                throw lost(blob.digest(), "the blob " + blob.digest() + " is not there, or not what its digest says");
            }
            return blob;
        });
    }

    // A trimmed index is there in place of the source's.
    private Set<Digest> manifests() {
        Set<Digest> digests = new LinkedHashSet<>();
        known.nodes().forEach(node -> digests.add(node.digest()));
        digests.remove(known.sourceDigest());
        return digests;
    }

    private ArtifactGraph graph(Descriptor root) throws IOException {
        RepositoryDiscovery there = new RepositoryDiscovery(
                repository.reader(), session.rule().scope(), reads, new ManifestShelf(SHELF_BYTES));
        try {
            return there.graph(root);
        } catch (DiscoveryException e) {
            if (isAnswer(e)) {
                throw lost(e.node(), String.valueOf(e.getMessage()));
            }
            throw new CopyException(Side.TARGET, e.node(), "reading back " + known.tag() + " at " + session.name(), e);
        }
    }

    /** Whether a graph was not to be had because something of it is not there, or is not what it should be. */
    static boolean isAnswer(DiscoveryException e) {
        return e.getCause() instanceof NotFoundException || e.getCause() instanceof InvalidContentException;
    }

    private CopyException lost(Object node, String what) {
        return new CopyException(
                Side.SOURCE,
                node,
                "the source does not have " + known.sourceDigest() + " any more, to repair " + known.tag() + " at "
                        + session.name() + "/" + repository.name() + " from: " + what);
    }

    private <T> T at(Digest node, RequestLimit.Request<T> request) throws IOException {
        return CopyException.at(Side.TARGET, node, "reading back " + node + " at " + session.name(), request);
    }
}
