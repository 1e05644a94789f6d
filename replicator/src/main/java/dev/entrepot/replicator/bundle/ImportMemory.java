package dev.entrepot.replicator.bundle;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.ReplicationRule;
import dev.entrepot.replicator.ReplicationRunner;
import dev.entrepot.replicator.ReplicationRunner.Tagged;
import dev.entrepot.replicator.journal.CompletedTag;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** What an import notes about its target, and what it knows from those before. For one import. */
final class ImportMemory {
    private static final int MOST_SHOWN = 10;

    private final ArrivedFile arrived;
    private final ReplicationRunner runner;
    private final ReplicationRule rule;
    private final ImportNames names;
    private final String target;
    private final String place;

    /**
     * Of an import.
     *
     * @param arrived what imports brought to the target
     * @param rule by which it is run
     */
    ImportMemory(ArrivedFile arrived, ReplicationRunner runner, ReplicationRule rule, ImportNames names) {
        this.arrived = arrived;
        this.runner = runner;
        this.rule = rule;
        this.names = names;
        this.target = rule.targets().getFirst().registry().name();
        this.place = rule.targets().getFirst().registry().place();
    }

    /**
     * Refuses to move a tag back to what an earlier import brought and a later one moved it away from: an old bundle is
     * signed as well as a new one.
     *
     * @param ready the images that are to be tagged
     * @throws BundleException if a tag would go back; the message names it
     * @throws IOException if the target gave no answer
     */
    void refuseGoingBack(List<ImageClosure> ready) throws IOException {
        Arrived before = arrived.read();
        Map<Tagged, Digest> back = new HashMap<>();
        for (ImageClosure closure : ready) {
            RepositoryName repository = closure.image().repository();
            RepositoryName at = names.repository(repository);
            Map<Tag, Digest> tags = new HashMap<>(closure.cosignTags());
            tags.put(names.tag(closure.image()), closure.image().manifest());
            tags.forEach((tag, manifest) -> {
                Arrived.Name name = new Arrived.Name(at, tag);
                if (before.goesBack(name, manifest)) {
                    back.put(
                            new Tagged(repository, tag, manifest),
                            before.moves().getOrDefault(name, List.of(manifest)).getLast());
                }
            });
        }
        if (back.isEmpty()) {
            return;
        }
        // What somebody moved back already is not moved by this.
        back.keySet().removeAll(runner.tagged(rule, List.copyOf(back.keySet())));
        if (!back.isEmpty()) {
            throw new BundleException("this would move " + back.size() + (back.size() == 1 ? " tag" : " tags") + " of "
                    + target + " back to what an earlier import brought, and a later one replaced: " + shown(back)
                    + "; no manifest and no tag was written. Is this an old bundle? --again says that it is meant, --only"
                    + " leaves images out");
        }
    }

    private String shown(Map<Tagged, Digest> back) {
        String some = back.entrySet().stream()
                .map(move -> names.repository(move.getKey().repository()) + ":"
                        + move.getKey().tag() + " from " + move.getValue().shortForm() + " to "
                        + move.getKey().manifest().shortForm())
                .sorted()
                .limit(MOST_SHOWN)
                .collect(Collectors.joining(", "));
        return back.size() <= MOST_SHOWN ? some : some + ", and more";
    }

    /**
     * Notes what is about to be there, before a manifest is written: what turns out not to be is forgotten by the next
     * receipt.
     *
     * @param begun all images
     * @param ready those of them that are about to be tagged
     */
    void remember(List<ImageClosure> begun, List<ImageClosure> ready) throws IOException {
        Arrived all = arrived.read();
        begun.forEach(closure -> all.add(closure, names));
        ready.forEach(closure -> all.tag(Arrived.Image.of(closure, names)));
        arrived.write(all, target);
    }

    /**
     * Notes what the tags of images name that are complete: what they named before is of no image any more. One whose
     * index was trimmed is complete at the target as what it is there.
     */
    void noteDone(ImportReport report, List<ImageClosure> closures) throws IOException {
        List<Arrived.Image> trimmed = new ArrayList<>();
        List<Arrived.Image> done = new ArrayList<>();
        for (ImageClosure closure : closures) {
            BundledImage image = closure.image();
            if (report.isComplete(image, names)) {
                done.add(Arrived.Image.of(closure, names));
                runner
                        .journal()
                        .tags()
                        .completed(place, names.repository(image.repository()), names.tag(image))
                        .stream()
                        .filter(tag -> tag.rule().equals(rule.name()))
                        .filter(tag -> tag.sourceDigest().equals(image.manifest()))
                        .map(CompletedTag::targetDigest)
                        .filter(digest -> !digest.equals(image.manifest()))
                        .forEach(digest ->
                                trimmed.add(Arrived.Image.of(closure, names).trimmedTo(digest)));
            }
        }
        done.addAll(trimmed);
        Arrived all = arrived.read();
        trimmed.forEach(all::put);
        if (all.standing(done) || !trimmed.isEmpty()) {
            arrived.write(all, target);
        }
    }

    /**
     * Notes where the target has blobs that the bundle leaves out, so that they are mounted where another repository
     * needs them, too.
     */
    void noteHeld(List<ImageClosure> closures) {
        Map<RepositoryName, Set<Digest>> held = new HashMap<>();
        for (ImageClosure closure : closures) {
            for (BundledBlob blob : closure.blobs()) {
                if (blob.placement() instanceof Placement.Held at) {
                    held.computeIfAbsent(at.repository(), name -> new LinkedHashSet<>())
                            .add(blob.digest());
                }
            }
        }
        held.forEach(
                (repository, blobs) -> runner.journal().content().blobsAt(place, names.repository(repository), blobs));
    }

    /** Repositories of the target that are known to have blobs. */
    Map<Digest, List<RepositoryName>> blobLocations(Collection<Digest> blobs) throws IOException {
        return runner.journal().content().blobLocations(place, blobs);
    }
}
