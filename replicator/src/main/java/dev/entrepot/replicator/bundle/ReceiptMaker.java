package dev.entrepot.replicator.bundle;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.ReplicationRule;
import dev.entrepot.replicator.ReplicationRunner;
import dev.entrepot.replicator.ReplicationRunner.Tagged;
import dev.entrepot.replicator.ReplicationRunner.Wanted;
import dev.entrepot.replicator.bundle.ImportReport.Waiting;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/** Makes a receipt of what a target says that it has: of a bundle, if it is to answer one, and of all that is remembered of it. For one receipt. */
final class ReceiptMaker {
    private final ImportNames names;
    private final ReplicationRule rule;
    private final ReplicationRunner runner;
    private final Arrived arrived;
    private final Set<Wanted> asked = new LinkedHashSet<>();
    private final Set<Wanted> owed = new LinkedHashSet<>();

    /**
     * A maker.
     *
     * @param arrived what was imported so far, a bundle that the receipt is to answer included; is brought up to date
     */
    ReceiptMaker(ImportNames names, ReplicationRule rule, ReplicationRunner runner, Arrived arrived) {
        this.names = names;
        this.rule = rule;
        this.runner = runner;
        this.arrived = arrived;
    }

    /** The receipt of a target to which nothing is imported now. */
    Receipt ofTarget() throws IOException {
        return make(Optional.empty(), Set.of(), List.of());
    }

    /**
     * The receipt that answers a bundle.
     *
     * @param report what was done of it just before
     * @param closures the images of it that were selected
     */
    Receipt of(Bundle bundle, ImportReport report, List<ImageClosure> closures) throws IOException {
        ask(bundle.inventory());
        Set<Arrived.Name> failed = new HashSet<>();
        closures.stream()
                .filter(closure -> !report.isComplete(closure.image(), names))
                .forEach(closure -> failed.add(Arrived.Image.of(closure, names).name()));
        return make(Optional.of(bundle.id()), failed, missing(bundle, report));
    }

    // All of the bundle is asked for, selected or not: what is there need not be sent again.
    private void ask(Inventory inventory) {
        for (BundledManifest manifest : inventory.manifests().values()) {
            manifest.repositories().forEach(name -> asked.add(ImportStock.wanted(name, manifest)));
            if (manifest.placement() instanceof Placement.Held held) {
                owed.add(ImportStock.wanted(held.repository(), manifest));
            }
        }
        for (BundledBlob blob : inventory.blobs().values()) {
            blob.repositories().forEach(name -> asked.add(ImportStock.wanted(name, blob)));
            if (blob.placement() instanceof Placement.Held held) {
                owed.add(ImportStock.wanted(held.repository(), blob));
            }
        }
    }

    private Receipt make(Optional<Digest> bundle, Set<Arrived.Name> failed, List<Integer> missing) throws IOException {
        List<Arrived.Node> before = arrived.nodes(names);
        for (Arrived.Node node : before) {
            (node.said() ? owed : asked).add(node.wanted());
        }
        asked.addAll(owed);
        Set<Wanted> there = runner.present(rule, asked);
        arrived.answered(before, there);
        return new Receipt(
                bundle,
                rule.targets().getFirst().registry().name(),
                images(failed, there),
                byRepository(there),
                lost(there),
                missing);
    }

    private static List<Integer> missing(Bundle bundle, ImportReport report) {
        SortedSet<Integer> missing = new TreeSet<>();
        for (Waiting waiting : report.waiting()) {
            missing.addAll(waiting.volumes());
        }
        missing.retainAll(bundle.missing());
        return List.copyOf(missing);
    }

    // Of this import the report knows which tags were not moved; those of earlier ones may have been moved by anybody
    // since.
    private List<Receipt.Image> images(Set<Arrived.Name> failed, Set<Wanted> there) throws IOException {
        Map<RepositoryName, Set<Digest>> held = new TreeMap<>();
        there.forEach(wanted -> held.computeIfAbsent(wanted.repository(), name -> new HashSet<>())
                .add(wanted.node().digest()));
        List<Arrived.Image> candidates = arrived.images(names);
        Collection<Arrived.Image> whole = candidates.stream()
                .filter(image -> !failed.contains(image.name()))
                .filter(image -> held.getOrDefault(image.repository(), Set.of()).containsAll(image.members()))
                .toList();
        Set<Tagged> tags = new LinkedHashSet<>();
        whole.forEach(image -> tags.addAll(tags(image)));
        Set<Tagged> right = runner.tagged(rule, tags);
        List<Arrived.Image> complete =
                whole.stream().filter(image -> right.containsAll(tags(image))).toList();
        List<Arrived.Image> incomplete = new ArrayList<>(candidates);
        incomplete.removeAll(new HashSet<>(complete));
        arrived.forget(incomplete);
        return byName(complete);
    }

    private static List<Tagged> tags(Arrived.Image image) {
        List<Tagged> tags = new ArrayList<>();
        tags.add(new Tagged(image.repository(), image.name().as(), image.manifest()));
        for (Map.Entry<Tag, Digest> tag : image.cosign().entrySet()) {
            tags.add(new Tagged(image.repository(), tag.getKey(), tag.getValue()));
        }
        return tags;
    }

    // One image of the source may have two tags at the target, of two imports with other options; the newer one counts.
    private static List<Receipt.Image> byName(List<Arrived.Image> images) {
        SortedMap<String, Receipt.Image> byName = new TreeMap<>();
        images.forEach(image -> byName.put(
                image.repository() + ":" + image.tag(),
                new Receipt.Image(image.repository(), image.tag(), image.manifest())));
        return byName.values().stream().sorted(Receipt.Image.ORDER).toList();
    }

    private SortedMap<RepositoryName, SortedSet<Digest>> lost(Set<Wanted> there) {
        SortedMap<RepositoryName, SortedSet<Digest>> held = byRepository(there);
        Set<Wanted> lost = new LinkedHashSet<>(owed);
        lost.removeIf(wanted -> held.getOrDefault(wanted.repository(), new TreeSet<>())
                .contains(wanted.node().digest()));
        return byRepository(lost);
    }

    private static SortedMap<RepositoryName, SortedSet<Digest>> byRepository(Set<Wanted> nodes) {
        SortedMap<RepositoryName, SortedSet<Digest>> result = new TreeMap<>();
        nodes.forEach(wanted -> result.computeIfAbsent(wanted.repository(), name -> new TreeSet<>())
                .add(wanted.node().digest()));
        return result;
    }
}
