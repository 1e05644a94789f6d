package dev.entrepot.replicator.bundle;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.replicator.ItemReport;
import dev.entrepot.replicator.ProgressListener;
import dev.entrepot.replicator.ReplicationReport;
import dev.entrepot.replicator.ReplicationRule;
import dev.entrepot.replicator.ReplicationRunner;
import dev.entrepot.replicator.ReplicationRunner.Brought;
import dev.entrepot.replicator.ReplicationRunner.Selected;
import dev.entrepot.replicator.ReplicationRunner.Wanted;
import dev.entrepot.replicator.RuleBusyException;
import dev.entrepot.replicator.bundle.ImportReport.Waiting;
import dev.entrepot.replicator.journal.CompletedTag;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongConsumer;

/**
 * Brings the images of a bundle to one target, and checks the bundle while it does. Images of which everything is at hand are replicated: content first, then referrers, then the tag. Of
 * those that lack volumes the blobs that are at hand are sent, and the manifests are kept until the rest comes. For one use.
 */
public final class BundleImport {
    private final Bundle bundle;
    private final ImportNames names;
    private final KeptManifests kept;
    private final ImportStock stock;
    private final ArrivedFile arrived;
    private final ReplicationRunner runner;
    private final BundleSource source;
    private final ReplicationRule rule;
    private final List<ImageClosure> closures;

    /**
     * An import that has not begun.
     *
     * @param bundle opened; {@link #run} looks at its content
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
        this.stock = new ImportStock(bundle, kept);
        this.arrived = folder.arrived(target.registry().name());
        this.runner = runner;
        ReplicationRule.Placement placement = ImportRule.placement(target, names);
        this.source = new BundleSource(bundle, new TargetContent(placement, kept));
        this.rule = ImportRule.of(
                "import of " + bundle.id().shortForm() + " to "
                        + target.registry().name(),
                source,
                placement,
                target);
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

    /**
     * Checks and imports. What every blob is that is sent is found out while it is sent, and of all others before anything else is written: a registry or layout in which there is nothing but
     * blobs shows nothing to anybody. Of a bundle in which anything is wrong no manifest and no tag is written.
     *
     * @throws DamagedBundleException if anything is not as it was exported; the message names all of it
     * @throws RuleBusyException if the same import is running in this process
     * @throws IOException if a file or the journal fails, the target cannot be asked, or the thread is interrupted; all else is in the report
     */
    public ImportReport run(ProgressListener progress) throws IOException, RuleBusyException {
        String target = rule.targets().getFirst().registry().name();
        progress.planned(target, 0, bundle.contentBytes());
        bundle.verify(content -> content instanceof VolumeEntry.Content.Manifest, moved(progress));
        List<Waiting> waiting = new ArrayList<>();
        List<ImageClosure> ready = new ArrayList<>();
        Set<Wanted> early = new LinkedHashSet<>();
        Set<Wanted> there = runner.present(rule, stock.absent(closures));
        for (ImageClosure closure : closures) {
            Optional<Waiting> lacks = stock.lacks(closure, there);
            if (lacks.isPresent()) {
                waiting.add(lacks.get());
                early.addAll(stock.blobs(closure));
            } else {
                ready.add(closure);
            }
        }
        if (waiting.isEmpty()) {
            ImportReport report = run(ready, waiting, early, progress);
            if (report.copied().outcome() == ReplicationReport.Outcome.COMPLETE) {
                kept.delete();
            }
            return report;
        }
        // A tar that is packed forgets what it has gathered, unless something is still going on.
        var registry = rule.targets().getFirst().registry();
        registry.begin();
        try {
            return run(ready, waiting, early, progress);
        } finally {
            registry.end(false);
        }
    }

    private ImportReport run(
            List<ImageClosure> ready, List<Waiting> waiting, Set<Wanted> early, ProgressListener progress)
            throws IOException, RuleBusyException {
        Brought ahead = bring(ahead(ready), progress);
        Optional<Brought> brought = waiting.isEmpty() ? Optional.empty() : Optional.of(bring(early, progress));
        Set<Digest> sent = new HashSet<>(sent(ahead));
        brought.ifPresent(some -> sent.addAll(sent(some)));
        bundle.verify(
                content -> switch (content) {
                    case VolumeEntry.Content.Manifest manifest -> false;
                    case VolumeEntry.Content.Blob blob -> !sent.contains(blob.digest());
                    case VolumeEntry.Content.Part part -> true;
                    case VolumeEntry.Content.Fallback fallback -> true;
                    case VolumeEntry.Content.Constant constant -> true;
                },
                moved(progress));
        if (!waiting.isEmpty()) {
            kept.keepAll(bundle);
        }
        noteHeld();
        remember();
        List<Selected> selected = ready.stream()
                .map(ImageClosure::image)
                .map(image -> new Selected(image.repository(), image.tag(), names.tag(image)))
                .toList();
        ReplicationReport copied =
                runner.copy(rule, "import", selected, progress).withSent(ahead.done());
        ImportReport report = new ImportReport(bundle.id(), copied, waiting, brought);
        noteTrimmed(report);
        return report;
    }

    private LongConsumer moved(ProgressListener progress) {
        String target = rule.targets().getFirst().registry().name();
        return bytes -> progress.moved(target, bytes);
    }

    // What there is to do is planned already.
    private Brought bring(Set<Wanted> blobs, ProgressListener progress) throws IOException {
        return runner.bring(rule, List.copyOf(blobs), new ProgressListener() {
                    @Override
                    public void planned(String target, long images, long bytes) {}

                    @Override
                    public void moved(String target, long bytes) {
                        progress.moved(target, bytes);
                    }

                    @Override
                    public void finished(ItemReport item) {}
                })
                .getFirst();
    }

    // A target that had a blob by the time that it was to be sent has not looked at ours.
    private Set<Digest> sent(Brought brought) {
        Set<Digest> sent = new HashSet<>();
        brought.sent().forEach(wanted -> sent.add(wanted.node().digest()));
        sent.retainAll(source.readThrough());
        return sent;
    }

    /** The blobs of images that can be copied whole: each to one repository, unless another one has it, from where it is mounted. */
    private Set<Wanted> ahead(List<ImageClosure> ready) throws IOException {
        Map<Digest, Wanted> ahead = new LinkedHashMap<>();
        for (ImageClosure closure : ready) {
            stock.blobs(closure)
                    .forEach(wanted -> ahead.putIfAbsent(wanted.node().digest(), wanted));
        }
        String target = rule.targets().getFirst().registry().name();
        Map<Digest, List<RepositoryName>> known = runner.journal().blobLocations(target, ahead.keySet());
        Set<Wanted> result = new LinkedHashSet<>(ahead.values());
        result.removeIf(wanted -> known.getOrDefault(wanted.node().digest(), List.of()).stream()
                .anyMatch(place -> !place.equals(names.repository(wanted.repository()))));
        return result;
    }

    // Before a manifest is written: what turns out not to be there is forgotten by the next receipt.
    private void remember() throws IOException {
        Arrived all = arrived.read();
        closures.forEach(closure -> all.add(closure, names));
        arrived.write(all, rule.targets().getFirst().registry().name());
    }

    // An image whose index was trimmed is complete at the target as what it is there.
    private void noteTrimmed(ImportReport report) throws IOException {
        String target = rule.targets().getFirst().registry().name();
        List<Arrived.Image> trimmed = new ArrayList<>();
        for (ImageClosure closure : closures) {
            BundledImage image = closure.image();
            if (report.isComplete(image, names)) {
                runner.journal()
                        .completed(target, names.repository(image.repository()), names.tag(image))
                        .filter(done -> done.sourceDigest().equals(image.manifest()))
                        .map(CompletedTag::targetDigest)
                        .filter(digest -> !digest.equals(image.manifest()))
                        .ifPresent(digest ->
                                trimmed.add(Arrived.Image.of(closure, names).trimmedTo(digest)));
            }
        }
        if (!trimmed.isEmpty()) {
            Arrived all = arrived.read();
            trimmed.forEach(all::put);
            arrived.write(all, target);
        }
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
        Receipt receipt = new ReceiptMaker(names, rule, runner, all).of(bundle, report, closures);
        arrived.write(all, receipt.target());
        return receipt;
    }
}
