package dev.entrepot.replicator;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Manifest;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.graph.ArtifactGraph;
import dev.entrepot.replicator.graph.CosignTag;
import dev.entrepot.replicator.journal.CompletedTag;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Decides what becomes of the cosign tags of one image at one target. A tag that is at what the journal knows to have
 * been brought there moves with the source. Of any other, the signatures are compared: the target's stay where they are
 * if the source's are among them, as where a region signs what it was sent, and are replaced if the source has all of
 * them and more. Where each side has some that the other lacks, the rule's {@code on-conflict} decides, and what is
 * replaced then stays under a backup tag: a signature is nothing that can be had again.
 *
 * <p>Only a tag that differs costs requests: the manifest at the source and that at the target. For one image and one
 * thread.
 */
final class CosignTagPlanner {
    private final TargetSession session;
    private final TargetRepository repository;
    private final SourceTag image;
    private final List<Tag> written = new ArrayList<>();
    private final List<ImagePlan.Backup> backups = new ArrayList<>();
    private final List<String> notes = new ArrayList<>();

    CosignTagPlanner(TargetSession session, TargetRepository repository, SourceTag image) {
        this.session = session;
        this.repository = repository;
        this.image = image;
    }

    /**
     * What is to be done.
     *
     * @param written the tags to write
     * @param backups under which tags to keep what is replaced
     * @param notes what the report says of conflicts, each a clause
     */
    record Result(List<Tag> written, List<ImagePlan.Backup> backups, List<String> notes) {}

    /** One signature, attestation or SBOM of a cosign manifest; cosign keeps the signature itself in an annotation. */
    private record Part(Digest digest, Map<String, String> annotations) {}

    /**
     * Compares the cosign tags of a graph.
     *
     * @throws CopyException if a side gives no answer, or the rule fails on conflicts and there is one
     */
    Result plan(ArtifactGraph graph) throws IOException {
        for (CosignTag cosign : graph.cosignTags()) {
            Optional<Digest> there = CopyException.at(
                            Side.TARGET, cosign.tag(), asking(cosign.tag()), () -> repository.head(cosign.tag()))
                    .map(Descriptor::digest);
            if (there.isEmpty()) {
                written.add(cosign.tag());
            } else if (!there.get().equals(cosign.manifest().digest())) {
                settle(cosign, there.get());
            }
        }
        return new Result(List.copyOf(written), List.copyOf(backups), List.copyOf(notes));
    }

    private void settle(CosignTag cosign, Digest there) throws IOException {
        if (wasBrought(there)) {
            written.add(cosign.tag());
            return;
        }
        Digest wanted = cosign.manifest().digest();
        Set<Part> ours = CopyException.at(
                Side.SOURCE,
                wanted,
                "reading the manifest " + wanted,
                () -> parts(Manifest.parse(image.discovery().bytes(wanted))));
        Set<Part> theirs = CopyException.at(
                Side.TARGET,
                cosign.tag(),
                asking(cosign.tag()),
                () -> parts(Manifest.parse(repository.reader().fetchManifest(there))));
        if (!ours.isEmpty() && theirs.containsAll(ours)) {
            return;
        }
        if (ours.containsAll(theirs)) {
            written.add(cosign.tag());
        } else {
            conflict(cosign.tag(), there);
        }
    }

    private boolean wasBrought(Digest there) throws IOException {
        List<CompletedTag> records =
                session.journal().tags().completed(session.place(), repository.name(), image.tag());
        return records.stream()
                        .flatMap(tag -> tag.nodes().stream())
                        .anyMatch(node -> node.digest().equals(there))
                // The source has withdrawn it since, and signed anew.
                || session.journal()
                        .tags()
                        .isLeftover(session.rule().name(), session.place(), repository.name(), there);
    }

    private static Set<Part> parts(Manifest manifest) {
        List<Descriptor> parts = switch (manifest) {
            case Manifest.ImageManifest signatures -> signatures.layers();
            case Manifest.ImageIndex index -> index.manifests();
            case Manifest.ArtifactManifest artifact -> artifact.blobs();
            case Manifest.OpaqueManifest opaque -> opaque.references();
        };
        return parts.stream()
                .map(part -> new Part(part.digest(), part.annotations()))
                .collect(Collectors.toSet());
    }

    private void conflict(Tag tag, Digest there) throws CopyException {
        String what = tag + ", which " + session.name() + " has with content of its own";
        switch (session.rule().onConflict()) {
            case KEEP -> notes.add("kept " + what);
            case FAIL ->
                throw new CopyException(
                        Side.TARGET,
                        tag,
                        session.name() + " has " + there + " under " + tag + ", with content of its own");
            case OVERWRITE, BACKUP -> {
                Tag backup = ImagePlan.Backup.name(tag, there);
                written.add(tag);
                backups.add(new ImagePlan.Backup(tag, backup));
                notes.add("replaces " + what + " and keeps it as " + backup);
            }
        }
    }

    private String asking(Tag tag) {
        return "asking " + session.name() + " for " + tag;
    }
}
