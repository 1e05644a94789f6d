package dev.entrepot.replicator.bundle;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.ReplicationRule;
import dev.entrepot.replicator.ReplicationRunner;
import dev.entrepot.replicator.ReplicationRunner.Listed;
import dev.entrepot.replicator.ReplicationRunner.Tagged;
import dev.entrepot.replicator.ReplicationRunner.Wanted;
import dev.entrepot.replicator.bundle.ImportReport.Waiting;
import java.io.IOException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
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
import java.util.stream.Collectors;

/**
 * Makes a receipt of what a target says that it has: of a bundle, if it is to answer one, and of all that is remembered
 * of it. For one receipt.
 */
final class ReceiptMaker {
    private final ImportNames names;
    private final ReplicationRule rule;
    private final ReplicationRunner runner;
    private final Arrived arrived;
    private final Instant now;
    private final Set<Wanted> asked = new LinkedHashSet<>();
    private final Set<Wanted> owed = new LinkedHashSet<>();

    /**
     * A maker.
     *
     * @param arrived what was imported so far, a bundle that the receipt is to answer included; is brought up to date
     * @param now the time that is in the receipt
     */
    ReceiptMaker(ImportNames names, ReplicationRule rule, ReplicationRunner runner, Arrived arrived, Instant now) {
        this.now = now.truncatedTo(ChronoUnit.SECONDS);
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
        Set<Arrived.Named> failed = new HashSet<>();
        Set<BundledImage> waiting =
                report.waiting().stream().map(Waiting::image).collect(Collectors.toSet());
        closures.stream()
                // Of what waits nothing was begun: what had its tag before may well have it still.
                .filter(closure -> !waiting.contains(closure.image()))
                .filter(closure -> !report.isComplete(closure.image(), names))
                .forEach(closure -> failed.add(Arrived.Image.of(closure, names).named()));
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

    private Receipt make(Optional<Digest> bundle, Set<Arrived.Named> failed, List<Integer> missing) throws IOException {
        List<Arrived.Node> before = arrived.nodes(names);
        for (Arrived.Node node : before) {
            (node.said() ? owed : asked).add(node.wanted());
        }
        asked.addAll(owed);
        Set<Wanted> there = runner.present(rule, asked);
        SortedMap<RepositoryName, SortedSet<Digest>> has = byRepository(there);
        List<Arrived.Image> candidates = arrived.images(names);
        Set<Tagged> tags = new LinkedHashSet<>();
        candidates.forEach(image -> tags.addAll(tags(image)));
        Set<Tagged> right = runner.tagged(rule, tags);
        List<Arrived.Image> tagged =
                candidates.stream().filter(image -> right.contains(tag(image))).toList();
        Set<Wanted> held = held(tagged, there);
        List<Arrived.Image> complete = listed(tagged.stream()
                .filter(image -> image.whole() && !failed.contains(image.named()))
                .filter(image -> in(has, image.repository()).containsAll(image.members()))
                .filter(image -> right.containsAll(tags(image)))
                .toList());
        update(candidates, tagged, complete, has);
        arrived.answered(before, there, held);
        Set<Wanted> loose = new LinkedHashSet<>(there);
        loose.removeAll(held);
        return new Receipt(
                bundle,
                rule.targets().getFirst().registry().name(),
                Optional.of(now),
                byName(complete),
                byRepository(held),
                byRepository(loose),
                lost(has),
                missing);
    }

    // Those whose signatures and other referrers the target lists, too.
    private List<Arrived.Image> listed(List<Arrived.Image> images) throws IOException {
        Set<Listed> lists = new LinkedHashSet<>();
        images.forEach(image -> lists.addAll(lists(image)));
        Set<Listed> all = runner.listed(rule, lists);
        return images.stream().filter(image -> all.containsAll(lists(image))).toList();
    }

    private static List<Listed> lists(Arrived.Image image) {
        return image.referrers().entrySet().stream()
                .map(list -> new Listed(image.repository(), list.getKey(), list.getValue()))
                .toList();
    }

    // What no tag holds is taken by the next garbage collection of a registry, so that nobody may count on it.
    private static Set<Wanted> held(List<Arrived.Image> tagged, Set<Wanted> there) {
        Map<RepositoryName, Set<Digest>> members = new HashMap<>();
        for (Arrived.Image image : tagged) {
            Set<Digest> some = members.computeIfAbsent(image.repository(), name -> new HashSet<>());
            some.addAll(image.members());
            some.add(image.manifest());
        }
        Set<Wanted> held = new LinkedHashSet<>();
        for (Wanted wanted : there) {
            if (members.getOrDefault(wanted.repository(), Set.of())
                    .contains(wanted.node().digest())) {
                held.add(wanted);
            }
        }
        return held;
    }

    // An image that lost something still holds the rest; one whose tag names something else, or nothing, holds nothing.
    private void update(
            List<Arrived.Image> candidates,
            List<Arrived.Image> tagged,
            List<Arrived.Image> complete,
            SortedMap<RepositoryName, SortedSet<Digest>> has) {
        Set<Arrived.Image> kept = new HashSet<>(tagged);
        arrived.forget(
                candidates.stream().filter(image -> !kept.contains(image)).toList());
        Set<Arrived.Image> whole = new HashSet<>(complete);
        tagged.stream()
                .filter(image -> !whole.contains(image))
                .forEach(image -> arrived.put(image.partly(in(has, image.repository()))));
    }

    private static Set<Digest> in(SortedMap<RepositoryName, SortedSet<Digest>> has, RepositoryName repository) {
        return has.getOrDefault(repository, Collections.emptySortedSet());
    }

    private static List<Integer> missing(Bundle bundle, ImportReport report) {
        SortedSet<Integer> missing = new TreeSet<>();
        for (Waiting waiting : report.waiting()) {
            missing.addAll(waiting.volumes());
        }
        missing.retainAll(bundle.missing());
        return List.copyOf(missing);
    }

    private static Tagged tag(Arrived.Image image) {
        return new Tagged(image.repository(), image.name().as(), image.manifest());
    }

    private static List<Tagged> tags(Arrived.Image image) {
        List<Tagged> tags = new ArrayList<>();
        tags.add(tag(image));
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

    private SortedMap<RepositoryName, SortedSet<Digest>> lost(SortedMap<RepositoryName, SortedSet<Digest>> has) {
        Set<Wanted> lost = new LinkedHashSet<>(owed);
        lost.removeIf(
                wanted -> in(has, wanted.repository()).contains(wanted.node().digest()));
        return byRepository(lost);
    }

    private static SortedMap<RepositoryName, SortedSet<Digest>> byRepository(Set<Wanted> nodes) {
        SortedMap<RepositoryName, SortedSet<Digest>> result = new TreeMap<>();
        nodes.forEach(wanted -> result.computeIfAbsent(wanted.repository(), name -> new TreeSet<>())
                .add(wanted.node().digest()));
        return result;
    }
}
