package dev.entrepot.replicator.bundle;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.replicator.ReplicationRule;
import dev.entrepot.replicator.ReplicationRunner;
import dev.entrepot.replicator.ReplicationRunner.Wanted;
import dev.entrepot.replicator.bundle.ImportReport.Waiting;
import java.io.IOException;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/** Makes a receipt of what a target says that it has. For one receipt. */
final class ReceiptMaker {
    private final Bundle bundle;
    private final ImportNames names;
    private final ReplicationRule rule;
    private final ReplicationRunner runner;
    private final Set<Wanted> asked = new LinkedHashSet<>();
    private final Set<Wanted> owed = new LinkedHashSet<>();

    ReceiptMaker(Bundle bundle, ImportNames names, ReplicationRule rule, ReplicationRunner runner) {
        this.bundle = bundle;
        this.names = names;
        this.rule = rule;
        this.runner = runner;
    }

    // All of the bundle is asked for, selected or not: what is there need not be sent again.
    Receipt make(ImportReport report, List<ImageClosure> closures) throws IOException {
        for (BundledManifest manifest : bundle.inventory().manifests().values()) {
            manifest.repositories().forEach(name -> asked.add(BundleImport.wanted(name, manifest)));
            if (manifest.placement() instanceof Placement.Held held) {
                owed.add(BundleImport.wanted(held.repository(), manifest));
            }
        }
        for (BundledBlob blob : bundle.inventory().blobs().values()) {
            blob.repositories().forEach(name -> asked.add(BundleImport.wanted(name, blob)));
            if (blob.placement() instanceof Placement.Held held) {
                owed.add(BundleImport.wanted(held.repository(), blob));
            }
        }
        asked.addAll(owed);
        Set<Wanted> there = runner.present(rule, asked);
        SortedSet<Integer> missing = new TreeSet<>();
        for (Waiting waiting : report.waiting()) {
            missing.addAll(waiting.volumes());
        }
        missing.retainAll(bundle.missing());
        return new Receipt(
                bundle.id(),
                rule.targets().getFirst().registry().name(),
                closures.stream()
                        .filter(closure -> report.isComplete(closure.image(), names) && isWhole(closure, there))
                        .map(closure -> new Receipt.Image(
                                closure.image().repository(),
                                closure.image().tag(),
                                closure.image().manifest()))
                        .toList(),
                byRepository(there),
                lost(there),
                List.copyOf(missing));
    }

    private static boolean isWhole(ImageClosure closure, Set<Wanted> there) {
        RepositoryName repository = closure.image().repository();
        return closure.manifests().stream()
                        .allMatch(manifest -> there.contains(BundleImport.wanted(repository, manifest)))
                && closure.blobs().stream().allMatch(blob -> there.contains(BundleImport.wanted(repository, blob)));
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
