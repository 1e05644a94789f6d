package dev.entrepot.replicator.bundle;

import dev.entrepot.config.ReplicationRuleConfig.Verify;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.replicator.ItemReport;
import dev.entrepot.replicator.ProgressListener;
import dev.entrepot.replicator.ReplicationReport;
import dev.entrepot.replicator.ReplicationRule;
import dev.entrepot.replicator.ReplicationRunner;
import dev.entrepot.replicator.ReplicationRunner.Brought;
import dev.entrepot.replicator.ReplicationRunner.Noted;
import dev.entrepot.replicator.ReplicationRunner.Selected;
import dev.entrepot.replicator.ReplicationRunner.Wanted;
import dev.entrepot.replicator.RuleBusyException;
import dev.entrepot.replicator.TargetRegistry;
import dev.entrepot.replicator.bundle.ImportReport.Waiting;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.LongConsumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Brings the images of a bundle to one target, and checks the bundle while it does. Images of which everything is at
 * hand are replicated: content first, then referrers, then the tag. Of those that lack volumes the blobs that are at
 * hand are sent, and the manifests, and parts of blobs that are larger than a volume, are kept until the rest comes.
 * For one use.
 */
public final class BundleImport {
    private final Bundle bundle;
    private final ImportNames names;
    private final ImportFolder folder;
    private final KeptManifests kept;
    private final KeptParts parts;
    private final WaitedFor waited;
    private final ImportStock stock;
    private final ImportMemory memory;
    private final ReplicationRunner runner;
    private final BundleSource source;
    private final TargetRegistry registry;
    private final ReplicationRule rule;
    private final ReplicationRule bringing;
    private final List<ImageClosure> closures;
    private final boolean again;

    /**
     * An import that has not begun, and that moves no tag back to what an earlier one had brought.
     *
     * @param bundle opened; {@link #run} looks at its content
     * @param target where to; repositories get the names that {@code names} has for them
     * @param folder where imports remember things; the caller has its lock
     * @param runner writes to the journal of that folder
     * @throws BundleException if no image is selected, or two tags would get one name
     * @throws IOException if what earlier volumes brought cannot be read
     */
    public BundleImport(
            Bundle bundle, ImportNames names, ImportTarget target, ImportFolder folder, ReplicationRunner runner)
            throws IOException {
        this(bundle, names, target, folder, runner, false);
    }

    /**
     * As above.
     *
     * @param again whether tags may go back to what an earlier import had brought
     */
    public BundleImport(
            Bundle bundle,
            ImportNames names,
            ImportTarget target,
            ImportFolder folder,
            ReplicationRunner runner,
            boolean again)
            throws IOException {
        this.bundle = bundle;
        this.names = names;
        this.folder = folder;
        this.registry = target.registry();
        Path place = folder.kept(bundle.id(), registry.name());
        this.kept = new KeptManifests(place);
        this.parts = new KeptParts(place);
        this.waited = new WaitedFor(place, bundle.inventory());
        Bundle atHand = parts.with(bundle);
        this.stock = new ImportStock(atHand, kept);
        this.runner = runner;
        this.again = again;
        ReplicationRule.Placement placement = ImportRule.placement(target, names);
        this.source = new BundleSource(atHand, new TargetContent(placement, kept));
        String name = "import of " + bundle.id().shortForm() + " to " + registry.name();
        this.rule = ImportRule.of(name, source, placement, target);
        this.bringing = ImportRule.of(name, source, placement, target.verified(Verify.HEAD));
        this.memory = new ImportMemory(folder.arrived(registry.name()), runner, rule, names);
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
     * Checks and imports. What every blob is that is sent is found out while it is sent, and of all others before
     * anything else is written: a registry or layout in which there is nothing but blobs shows nothing to anybody. Of a
     * bundle in which anything is wrong no manifest and no tag is written.
     *
     * @throws DamagedBundleException if anything is not as it was exported; the message names all of it
     * @throws BundleException if a tag would go back and that is not meant
     * @throws RuleBusyException if the same import is running in this process
     * @throws IOException if a file or the journal fails, the target cannot be asked, or the thread is interrupted; all
     *     else is in the report
     */
    public ImportReport run(ProgressListener progress) throws IOException, RuleBusyException {
        progress.planned(registry.name(), 0, bundle.contentBytes());
        verifyManifests(progress);
        Set<Wanted> there = runner.present(rule, stock.absent(closures));
        List<Waiting> waiting = new ArrayList<>();
        List<ImageClosure> ready = new ArrayList<>();
        List<ImageClosure> incomplete = new ArrayList<>();
        for (ImageClosure closure : closures) {
            Optional<Waiting> lacks = stock.lacks(closure, there);
            lacks.ifPresent(waiting::add);
            (lacks.isPresent() ? incomplete : ready).add(closure);
        }
        if (!again) {
            memory.refuseGoingBack(ready);
        }
        if (waiting.isEmpty()) {
            return run(ready, waiting, Set.of(), Set.of(), progress);
        }
        waited.begin(waiting.stream().map(Waiting::image).toList());
        Set<Wanted> early = new LinkedHashSet<>();
        Set<ImportStock.PartOf> right = new HashSet<>();
        for (ImageClosure closure : incomplete) {
            early.addAll(stock.blobs(closure));
            stock.keepParts(closure, there, bundle, parts, right);
        }
        // A tar that is packed forgets what it has gathered, unless something is still going on.
        registry.begin();
        try {
            return run(ready, waiting, early, right, progress);
        } finally {
            registry.end(false);
        }
    }

    /**
     * Runs.
     *
     * @param early blobs of images that wait
     * @param right parts that were looked at when they were kept
     */
    private ImportReport run(
            List<ImageClosure> ready,
            List<Waiting> waiting,
            Set<Wanted> early,
            Set<ImportStock.PartOf> right,
            ProgressListener progress)
            throws IOException, RuleBusyException {
        Set<Wanted> first = ahead(ready);
        Brought ahead = bring(first, progress);
        Optional<Brought> brought = waiting.isEmpty() ? Optional.empty() : Optional.of(bring(early, progress));
        Set<Digest> sent = new HashSet<>(sent(ahead));
        brought.ifPresent(some -> sent.addAll(sent(some)));
        bundle.verify(
                content -> switch (content) {
                    case VolumeEntry.Content.Manifest manifest -> false;
                    case VolumeEntry.Content.Blob blob -> !sent.contains(blob.digest());
                    case VolumeEntry.Content.Part part ->
                        !right.contains(new ImportStock.PartOf(part.blob(), part.number()));
                    case VolumeEntry.Content.Fallback fallback -> true;
                    case VolumeEntry.Content.Constant constant -> true;
                },
                moved(progress));
        if (!waiting.isEmpty()) {
            kept.keepAll(bundle);
        }
        memory.noteHeld(closures);
        memory.remember(closures, ready);
        List<Selected> selected = ready.stream()
                .map(ImageClosure::image)
                .map(image -> new Selected(image.repository(), image.tag(), names.tag(image)))
                .toList();
        Function<ReplicationReport, ImportReport> whole =
                copied -> new ImportReport(bundle.id(), copied.withSent(ahead.done()), waiting, brought);
        ReplicationReport copied = runner.copy(rule, "import", selected, progress, kept -> {
            ImportReport noted = whole.apply(kept);
            return new Noted(noted.outcome(), ImportReportWriter.toKeptJson(noted));
        });
        ImportReport report = whole.apply(copied);
        memory.noteDone(report, closures);
        if (brought.isPresent()) {
            forgetParts(early, brought.get(), first, copied.outcome() == ReplicationReport.Outcome.COMPLETE);
        }
        settle(report);
        return report;
    }

    // Where one is damaged the rest is looked at, too, so that the sender is asked once.
    private void verifyManifests(ProgressListener progress) throws IOException {
        try {
            bundle.verify(content -> content instanceof VolumeEntry.Content.Manifest, moved(progress));
        } catch (DamagedBundleException e) {
            bundle.verify(bytes -> {});
            throw e;
        }
    }

    // The target has them whole; their parts take much room. What is also of an image that was copied may have been
    // needed for another repository.
    private void forgetParts(Set<Wanted> early, Brought brought, Set<Wanted> ahead, boolean copied) throws IOException {
        Set<Digest> needed = new HashSet<>();
        brought.failures().keySet().forEach(wanted -> needed.add(wanted.node().digest()));
        ahead.forEach(wanted -> needed.add(wanted.node().digest()));
        if (copied) {
            ahead.forEach(wanted -> needed.remove(wanted.node().digest()));
        }
        Set<Digest> gone = new HashSet<>();
        Stream.concat(early.stream(), ahead.stream())
                .forEach(wanted -> gone.add(wanted.node().digest()));
        gone.removeAll(needed);
        for (Digest blob : gone) {
            BundledBlob known = bundle.inventory().blobs().get(blob);
            if (known != null && known.placement() instanceof Placement.InParts) {
                parts.forget(blob);
            }
        }
    }

    // What was kept is needed until each image that was begun is there, also those that this import did not select.
    private void settle(ImportReport report) throws IOException {
        Map<Boolean, List<BundledImage>> images = closures.stream()
                .map(ImageClosure::image)
                .collect(Collectors.partitioningBy(image -> report.isComplete(image, names)));
        waited.settle(images.getOrDefault(true, List.of()), images.getOrDefault(false, List.of()));
    }

    private LongConsumer moved(ProgressListener progress) {
        return bytes -> progress.moved(registry.name(), bytes);
    }

    // What there is to do is planned already.
    private Brought bring(Set<Wanted> blobs, ProgressListener progress) throws IOException {
        boolean looks = registry.isAtHand() || rule.verify() == Verify.DEEP;
        return runner.bring(bringing, List.copyOf(blobs), looks, new ProgressListener() {
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
        sent.retainAll(source.readToTheEnd());
        return sent;
    }

    /**
     * The blobs of images that can be copied whole: each to one repository, unless another one has it, from where it is
     * mounted. Of a target whose repositories have their content in common each is looked at.
     */
    private Set<Wanted> ahead(List<ImageClosure> ready) throws IOException {
        Map<Digest, Wanted> ahead = new LinkedHashMap<>();
        for (ImageClosure closure : ready) {
            stock.blobs(closure)
                    .forEach(wanted -> ahead.putIfAbsent(wanted.node().digest(), wanted));
        }
        Set<Wanted> result = new LinkedHashSet<>(ahead.values());
        if (!registry.isAtHand()) {
            Map<Digest, List<RepositoryName>> known = memory.blobLocations(ahead.keySet());
            result.removeIf(wanted -> known.getOrDefault(wanted.node().digest(), List.of()).stream()
                    .anyMatch(place -> !place.equals(names.repository(wanted.repository()))));
        }
        return result;
    }

    /**
     * Asks the target for everything of the bundle and of what was imported before, and says what it answered.
     *
     * @param report what was done just before
     * @throws IOException if the target gave no answer
     */
    public Receipt receipt(ImportReport report) throws IOException {
        ArrivedFile file = folder.arrived(registry.name());
        Arrived all = file.read();
        Receipt receipt = new ReceiptMaker(names, rule, runner, all, folder.now()).of(bundle, report, closures);
        file.write(all, receipt.target());
        return receipt;
    }
}
