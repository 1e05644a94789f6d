package dev.entrepot.replicator;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.PushedManifest;
import dev.entrepot.oci.RefusedException;
import dev.entrepot.replicator.TallyCounter.Kind;
import dev.entrepot.replicator.graph.ArtifactGraph;
import dev.entrepot.replicator.graph.GraphNode;
import dev.entrepot.replicator.graph.RepositoryDiscovery;
import dev.entrepot.replicator.graph.RequestLimit;
import java.io.IOException;
import java.util.List;
import java.util.Set;

/** Pushes the manifests of one image to one target, by digest, when all below them is there. Safe for all threads. */
final class ManifestPusher {
    private static final Set<String> SOMETHING_MISSING =
            Set.of("MANIFEST_BLOB_UNKNOWN", "BLOB_UNKNOWN", "MANIFEST_UNKNOWN");

    private final TargetSession session;
    private final TargetRepository repository;
    private final RepositoryDiscovery discovery;
    private final ArtifactGraph graph;
    private final BlobBringer blobs;
    private final TallyCounter tally;

    ManifestPusher(
            TargetSession session,
            TargetRepository repository,
            RepositoryDiscovery discovery,
            ArtifactGraph graph,
            BlobBringer blobs,
            TallyCounter tally) {
        this.session = session;
        this.repository = repository;
        this.discovery = discovery;
        this.graph = graph;
        this.blobs = blobs;
        this.tally = tally;
    }

    /**
     * Pushes a manifest and verifies it by HEAD and size; once per run, whichever image comes first. What is not there
     * then is sent once more.
     *
     * @throws CopyException if the target does not take it
     * @throws SparseRefusedException if the target refuses it and it names children that are not copied
     */
    void push(GraphNode node) throws IOException {
        repository.broughtManifests().get(node.digest(), digest -> {
            pushHealing(node);
            if (isThere(node.descriptor())) {
                readBack(node.descriptor());
            } else {
                sendAgain(node);
                verify(node.descriptor());
            }
            return true;
        });
    }

    /** A target took no index without some of its platforms. */
    static final class SparseRefusedException extends IOException {
        SparseRefusedException(IOException cause) {
            super(cause.getMessage(), cause);
        }
    }

    /**
     * Pushes a referrer that was there before this run once more, so that the target takes note of it, and tells
     * whether the target says that it tracks the subject.
     */
    boolean again(Digest digest) throws IOException {
        if (!repository.pushed().contains(digest)) {
            sendAgain(graph.node(digest));
        }
        return !repository.untracked().contains(digest);
    }

    /** Whether the target said of every referrer of this node that was pushed that it tracks the subject. */
    boolean tracks(GraphNode node) {
        return node.referrers().stream().noneMatch(repository.untracked()::contains);
    }

    /** The bytes of a manifest, from the source. */
    ManifestBytes bytes(Digest digest) throws IOException {
        return CopyException.at(Side.SOURCE, digest, "reading the manifest " + digest, () -> discovery.bytes(digest));
    }

    private void pushHealing(GraphNode node) throws IOException {
        try {
            sendHealing(node, Kind.MANIFEST_PUSHED);
        } catch (RefusedException | NotFoundException e) {
            if (node.isSparse()) {
                throw new SparseRefusedException(e);
            }
            throw refused(node, e);
        } catch (IOException e) {
            throw refused(node, e);
        }
    }

    // First what HEAD shows to be missing: what is there need not travel again because it was asked for while it was
    // written. A target that then still says that something is missing has said it about what HEAD shows to be there,
    // and is not asked again.
    private void sendHealing(GraphNode node, Kind as) throws IOException {
        for (boolean unasked : List.of(false, true)) {
            try {
                sendRaw(node, as);
                return;
            } catch (RefusedException | NotFoundException e) {
                if (!saysMissing(e) && !node.isSparse()) {
                    throw e;
                }
            }
            heal(node, unasked);
        }
        sendRaw(node, as);
    }

    /** Whether a refusal says that something that the manifest names is missing. */
    static boolean saysMissing(IOException e) {
        return switch (e) {
            case RefusedException refused -> SOMETHING_MISSING.contains(refused.code());
            case NotFoundException notFound -> notFound.kind() != NotFoundException.Kind.NAME;
            default -> false;
        };
    }

    /**
     * Pushes once more what a manifest names and the target lacks.
     *
     * @param unasked whether all of it is taken to be lacking, whatever HEAD says; a child's own blobs only if the
     *     target refuses the child for lack of something
     */
    void heal(GraphNode node, boolean unasked) throws IOException {
        for (Descriptor blob : node.blobs()) {
            if (unasked || !hasNow(blob)) {
                blobs.push(blob);
                tally.one(Kind.BLOB_REPAIRED);
            }
        }
        for (Digest child : node.children()) {
            GraphNode below = graph.node(child);
            if (unasked || !at(child, "looking for", () -> repository.hasManifestNow(below.descriptor()))) {
                try {
                    sendHealing(below, Kind.MANIFEST_REPAIRED);
                } catch (IOException e) {
                    throw refused(below, e);
                }
            }
        }
    }

    private boolean hasNow(Descriptor blob) throws IOException {
        return CopyException.at(
                Side.TARGET,
                blob.digest(),
                "asking " + session.name() + "/" + repository.name() + " for the blob " + blob.digest(),
                () -> repository.hasBlobNow(blob));
    }

    private void sendAgain(GraphNode node) throws IOException {
        try {
            sendRaw(node, Kind.MANIFEST_REPAIRED);
        } catch (IOException e) {
            throw refused(node, e);
        }
    }

    private void sendRaw(GraphNode node, Kind as) throws IOException {
        ManifestBytes bytes = bytes(node.digest());
        PushedManifest answer = node.subject().isPresent()
                ? session.locks()
                        .alone(
                                session.place(),
                                repository.name(),
                                node.subject().get(),
                                () -> repository.push(bytes, node.digest()))
                : repository.push(bytes, node.digest());
        if (node.subject().isPresent() && answer.subject().isEmpty()) {
            repository.untracked().add(node.digest());
        }
        repository.pushed().add(node.digest());
        tally.one(as);
        tally.add(Kind.BYTES, bytes.sizeBytes());
    }

    private IOException refused(GraphNode node, IOException e) {
        return CopyException.of(Side.TARGET, node.digest(), doing("pushing", node.digest()), e);
    }

    /** Verifies a manifest at the target by HEAD and size. */
    void verify(Descriptor manifest) throws IOException {
        if (!isThere(manifest)) {
            throw new CopyException(
                    Side.TARGET,
                    manifest.digest(),
                    session.name() + "/" + repository.name() + " accepted the manifest " + manifest.digest()
                            + " and does not have it, or has another size");
        }
        readBack(manifest);
    }

    private void readBack(Descriptor manifest) throws IOException {
        if (session.verifiesDeep()) {
            at(manifest.digest(), "reading back", () -> repository.reader().fetchManifest(manifest.digest()));
        }
    }

    private boolean isThere(Descriptor manifest) throws IOException {
        return at(manifest.digest(), "verifying", () -> repository.hasManifestNow(manifest));
    }

    private <T> T at(Digest digest, String doing, RequestLimit.Request<T> request) throws IOException {
        return CopyException.at(Side.TARGET, digest, doing(doing, digest), request);
    }

    private String doing(String doing, Digest digest) {
        return doing + " the manifest " + digest + " at " + session.name() + "/" + repository.name();
    }
}
