package dev.entrepot.replicator.bundle;

import dev.entrepot.config.LimitsConfig;
import dev.entrepot.config.NamePattern;
import dev.entrepot.config.PruneConfig;
import dev.entrepot.config.ReferrersConfig;
import dev.entrepot.config.ReplicationRuleConfig.OnConflict;
import dev.entrepot.config.ReplicationRuleConfig.OnSparseRefused;
import dev.entrepot.config.ReplicationRuleConfig.Verify;
import dev.entrepot.config.TagSelectionConfig;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.replicator.ProgressListener;
import dev.entrepot.replicator.ReplicationReport;
import dev.entrepot.replicator.ReplicationRule;
import dev.entrepot.replicator.ReplicationRunner;
import dev.entrepot.replicator.ReplicationRunner.Brought;
import dev.entrepot.replicator.ReplicationRunner.Selected;
import dev.entrepot.replicator.ReplicationRunner.Wanted;
import dev.entrepot.replicator.RuleBusyException;
import dev.entrepot.replicator.bundle.ImportReport.Waiting;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * Brings the images of a verified bundle to one target. Images of which everything is at hand are replicated: content first, then referrers, then the tag. Of those that lack volumes the blobs
 * that are at hand are sent, and the manifests are kept until the rest comes. For one use.
 */
public final class BundleImport {
    private final Bundle bundle;
    private final ImportNames names;
    private final KeptManifests kept;
    private final ArrivedFile arrived;
    private final ReplicationRunner runner;
    private final ReplicationRule rule;
    private final List<ImageClosure> closures;

    /**
     * An import that has not begun.
     *
     * @param bundle verified
     * @param target where to; repositories get the names that {@code names} has for them
     * @param folder where imports remember things; the caller has its lock
     * @param runner writes to the journal of that folder
     * @throws BundleException if no image is selected, or two tags would get one name
     */
    public BundleImport(
            Bundle bundle, ImportNames names, ImportTarget target, ImportFolder folder, ReplicationRunner runner)
            throws BundleException {
        this.bundle = bundle;
        this.names = names;
        this.kept = folder.kept(bundle.id());
        this.arrived = folder.arrived(target.registry().name());
        this.runner = runner;
        ReplicationRule.Placement placement =
                new ReplicationRule.Placement(target.registry(), names::repository, target.maxConcurrentRequests());
        this.rule = rule(placement, target.onSparseRefused());
        this.closures = bundle.inventory().images().stream()
                .filter(names::selects)
                .map(image -> ImageClosure.of(bundle.inventory(), image))
                .toList();
        if (closures.isEmpty()) {
            throw new BundleException("--only selects none of the "
                    + bundle.inventory().images().size() + " images of the bundle; \"entrepot ls\" shows them");
        }
        TakenNames.check(closures, names);
    }

    private ReplicationRule rule(ReplicationRule.Placement placement, OnSparseRefused onSparseRefused) {
        return new ReplicationRule(
                "import of " + bundle.id().shortForm() + " to "
                        + placement.registry().name(),
                new BundleSource(bundle, new TargetContent(placement, kept)),
                List.of(NamePattern.parse("**")),
                TagSelectionConfig.ALL,
                List.of(placement),
                List.of(),
                onSparseRefused,
                ReferrersConfig.ALL,
                OnConflict.OVERWRITE,
                List.of(),
                PruneConfig.OFF,
                LimitsConfig.NONE,
                Verify.HEAD);
    }

    /**
     * Imports.
     *
     * @throws RuleBusyException if the same import is running in this process
     * @throws IOException if a file or the journal fails, the target cannot be asked, or the thread is interrupted; all else is in the report
     */
    public ImportReport run(ProgressListener progress) throws IOException, RuleBusyException {
        if (!bundle.missing().isEmpty()) {
            kept.keepAll(bundle);
        }
        List<Waiting> waiting = new ArrayList<>();
        List<Selected> ready = new ArrayList<>();
        Set<Wanted> early = new LinkedHashSet<>();
        Set<Wanted> there = runner.present(rule, absentHere());
        for (ImageClosure closure : closures) {
            Optional<Waiting> lacks = lacks(closure, there);
            if (lacks.isPresent()) {
                waiting.add(lacks.get());
                early.addAll(early(closure));
            } else {
                BundledImage image = closure.image();
                ready.add(new Selected(image.repository(), image.tag(), names.tag(image)));
            }
        }
        noteHeld();
        remember();
        return run(ready, waiting, List.copyOf(early), progress);
    }

    // Before anything is written: what turns out not to be there is forgotten by the next receipt.
    private void remember() throws IOException {
        Arrived all = arrived.read();
        closures.forEach(closure -> all.add(closure, names));
        arrived.write(all, rule.targets().getFirst().registry().name());
    }

    // A tar that is packed forgets what it has gathered, unless something is still going on.
    private ImportReport run(List<Selected> ready, List<Waiting> waiting, List<Wanted> early, ProgressListener progress)
            throws IOException, RuleBusyException {
        if (waiting.isEmpty()) {
            ReplicationReport report = runner.copy(rule, "import", ready, progress);
            if (report.outcome() == ReplicationReport.Outcome.COMPLETE) {
                kept.delete();
            }
            return new ImportReport(bundle.id(), report, waiting, Optional.empty());
        }
        var registry = rule.targets().getFirst().registry();
        registry.begin();
        try {
            ReplicationReport report = runner.copy(rule, "import", ready, progress);
            Brought brought = runner.bring(rule, early, progress).getFirst();
            return new ImportReport(bundle.id(), report, waiting, Optional.of(brought));
        } finally {
            registry.end(false);
        }
    }

    /** What neither the volumes at hand nor earlier ones brought here, and no receipt says that the target has. */
    private Set<Wanted> absentHere() throws IOException {
        Set<Wanted> absent = new LinkedHashSet<>();
        for (ImageClosure closure : closures) {
            RepositoryName repository = closure.image().repository();
            for (BundledManifest manifest : closure.manifests()) {
                if (!isHeld(manifest.placement()) && !isHere(manifest)) {
                    absent.add(wanted(repository, manifest));
                }
            }
            for (BundledBlob blob : closure.blobs()) {
                if (!isHeld(blob.placement()) && !bundle.has(blob)) {
                    absent.add(wanted(repository, blob));
                }
            }
        }
        return absent;
    }

    private boolean isHere(BundledManifest manifest) throws IOException {
        return bundle.has(manifest) || kept.has(manifest);
    }

    private static boolean isHeld(Placement placement) {
        return placement instanceof Placement.Held;
    }

    static Wanted wanted(RepositoryName repository, BundledManifest manifest) {
        return wanted(repository, manifest.digest(), manifest.descriptor().sizeBytes(), true);
    }

    static Wanted wanted(RepositoryName repository, BundledBlob blob) {
        return wanted(repository, blob.digest(), blob.sizeBytes(), false);
    }

    // Types make no difference to what is asked.
    private static Wanted wanted(RepositoryName repository, Digest digest, long sizeBytes, boolean manifest) {
        return new Wanted(repository, Descriptor.of(MediaType.OCTET_STREAM, digest, sizeBytes), manifest);
    }

    private Optional<Waiting> lacks(ImageClosure closure, Set<Wanted> there) throws IOException {
        SortedSet<Integer> volumes = new TreeSet<>();
        List<Digest> split = new ArrayList<>();
        RepositoryName repository = closure.image().repository();
        for (BundledManifest manifest : closure.manifests()) {
            if (manifest.placement() instanceof Placement.InVolume in
                    && !isHere(manifest)
                    && !there.contains(wanted(repository, manifest))) {
                volumes.add(in.volume());
            }
        }
        for (BundledBlob blob : closure.blobs()) {
            if (!bundle.has(blob) && !there.contains(wanted(repository, blob))) {
                switch (blob.placement()) {
                    case Placement.InVolume in -> volumes.add(in.volume());
                    case Placement.InParts in -> {
                        in.parts().forEach(part -> volumes.add(part.volume()));
                        split.add(blob.digest());
                    }
                    case Placement.Held held -> {}
                }
            }
        }
        return volumes.isEmpty() ? Optional.empty() : Optional.of(new Waiting(closure.image(), volumes, split));
    }

    private List<Wanted> early(ImageClosure closure) {
        return closure.blobs().stream()
                .filter(bundle::has)
                .map(blob -> wanted(closure.image().repository(), blob))
                .toList();
    }

    // So that it is mounted where another repository needs it, too.
    private void noteHeld() {
        Map<RepositoryName, Set<Digest>> held = new HashMap<>();
        for (ImageClosure closure : closures) {
            for (BundledBlob blob : closure.blobs()) {
                if (blob.placement() instanceof Placement.Held at) {
                    held.computeIfAbsent(at.repository(), name -> new LinkedHashSet<>())
                            .add(blob.digest());
                }
            }
        }
        String target = rule.targets().getFirst().registry().name();
        held.forEach((repository, blobs) -> runner.journal().blobsAt(target, names.repository(repository), blobs));
    }

    /**
     * Asks the target for everything of the bundle and of what was imported before, and says what it answered.
     *
     * @param report what was done just before
     * @throws IOException if the target gave no answer
     */
    public Receipt receipt(ImportReport report) throws IOException {
        Arrived all = arrived.read();
        Receipt receipt = new ReceiptMaker(bundle, names, rule, runner, all).make(report, closures);
        arrived.write(all, receipt.target());
        return receipt;
    }
}
