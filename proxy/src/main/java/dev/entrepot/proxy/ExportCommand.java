package dev.entrepot.proxy;

import dev.entrepot.config.EntrepotConfig;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.RepositorySource;
import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.proxy.http.Passing;
import dev.entrepot.proxy.replication.BadRequestException;
import dev.entrepot.proxy.replication.ExportSources;
import dev.entrepot.proxy.replication.ProgressPrinter;
import dev.entrepot.proxy.replication.Replication;
import dev.entrepot.proxy.replication.RunningServer;
import dev.entrepot.replicator.ReplicationReport;
import dev.entrepot.replicator.ReportWriter;
import dev.entrepot.replicator.RetryPolicy;
import dev.entrepot.replicator.SourceGraphs;
import dev.entrepot.replicator.Time;
import dev.entrepot.replicator.bundle.BundleKey;
import dev.entrepot.replicator.bundle.BundleLimits;
import dev.entrepot.replicator.bundle.BundleTrust;
import dev.entrepot.replicator.bundle.BundleWriter;
import dev.entrepot.replicator.bundle.Delta;
import dev.entrepot.replicator.bundle.ExportProgress;
import dev.entrepot.replicator.bundle.ExportReport;
import dev.entrepot.replicator.bundle.ExportReportWriter;
import dev.entrepot.replicator.bundle.Inventory;
import dev.entrepot.replicator.bundle.InventoryBuilder;
import dev.entrepot.replicator.bundle.InventoryJson;
import dev.entrepot.replicator.bundle.PartReader;
import dev.entrepot.replicator.bundle.ReadTally;
import dev.entrepot.replicator.bundle.SavedExports;
import dev.entrepot.replicator.bundle.SeenManifests;
import dev.entrepot.replicator.bundle.SignedReceipt;
import dev.entrepot.replicator.bundle.SourceContent;
import dev.entrepot.replicator.bundle.VolumeHead;
import dev.entrepot.replicator.bundle.VolumeNames;
import dev.entrepot.replicator.bundle.VolumePlacer;
import java.io.IOException;
import java.io.PrintStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.IntStream;
import tools.jackson.databind.node.ObjectNode;

/**
 * {@code entrepot export}: selects, discovers, writes and signs the inventory, and writes the volumes. Writing is done
 * in this process, also where a server has the data folder open; then content is read through that server. For one use.
 */
final class ExportCommand implements AutoCloseable {
    // Stands for the digest of a part that nobody has read.
    private static final Digest UNREAD = Digest.sha256(new byte[0]);

    private final EntrepotConfig config;
    private final ClientEnvironment environment;
    private final ExportRequest request;
    private final PrintStream out;
    private final PrintStream err;
    private final boolean terminal;
    private final SavedExports saved;
    private final SourceGraphs graphs;
    private final ExportProgress progress;
    private final SeenManifests seen = new SeenManifests();
    private final ReadTally read = new ReadTally();
    private final ExportLog log;
    private final Closings open = new Closings();

    ExportCommand(
            EntrepotConfig config,
            ClientEnvironment environment,
            ExportRequest request,
            PrintStream out,
            PrintStream err,
            boolean terminal) {
        this.config = config;
        this.environment = environment;
        this.request = request;
        this.out = out;
        this.err = err;
        this.terminal = terminal;
        this.saved = new SavedExports(config.cache().directory());
        Time time = Replication.time(environment);
        this.graphs = new SourceGraphs(time, RetryPolicy.DEFAULT);
        this.progress = new ExportProgress(environment.clock());
        this.log = new ExportLog(config.cache().directory(), environment.clock(), err);
    }

    /** What was found out before writing, for the report. */
    private record Known(String name, List<SignedReceipt> since, long sourceRequests, List<String> warnings) {
        Optional<Delta> delta() {
            return difference(since);
        }
    }

    private static Optional<Delta> difference(List<SignedReceipt> since) {
        return since.stream().map(SignedReceipt::delta).reduce(Delta::and);
    }

    /**
     * Runs.
     *
     * @return the exit code
     * @throws BadRequestException if the request names what there is not
     * @throws IOException if the bundle could not be made or written
     */
    int run() throws IOException, BadRequestException, InterruptedException {
        try {
            return request.reissue().isPresent() ? reissue(request.reissue().get()) : export();
        } catch (IOException | BadRequestException | InterruptedException | RuntimeException e) {
            log.failed(e);
            throw e;
        }
    }

    private void begin(String name) {
        if (!request.dryRun()) {
            open.push(log::close);
            log.begin(name);
        }
    }

    private int ended(int code, String json, String text) {
        ObjectNode report = log.ended(code, json, text);
        out.print(request.json() ? report + "\n" : text);
        return code;
    }

    private int export() throws IOException, BadRequestException, InterruptedException {
        ExportSelection selection = ExportSelection.parse(request.names(), config);
        Optional<BundleKey> key = Optional.empty();
        if (request.key().isPresent()) {
            key = Optional.of(BundleKey.read(request.key().get()));
        }
        List<SignedReceipt> since = new ArrayList<>();
        for (Path receipt : request.since()) {
            since.add(SignedReceipt.read(receipt, request.trust()));
            err.println("the difference to the receipt of " + since.getLast().made());
        }
        String asked = asked(selection, since);
        Optional<SavedExports.Saved> begun = request.dryRun() ? Optional.empty() : begun(asked, key);
        ExportSources sources = sources();
        begin(selection.shown());
        if (begun.isPresent()) {
            err.println("going on with bundle " + begun.get().id() + ", which was begun; --restart selects anew");
            Known known = new Known(selection.shown(), since, 0, List.of());
            return write(begun.get(), known, writer(begun.get()), all(begun.get()), sources);
        }
        return begin(selection, key, since, asked, sources);
    }

    private Optional<SavedExports.Saved> begun(String asked, Optional<BundleKey> key) throws IOException {
        Optional<SavedExports.Saved> begun = request.restart() ? Optional.empty() : saved.unfinished(asked);
        // What was asked for names the file of the key, which may have another in it by now.
        if (begun.isPresent() && key.isPresent() && !signs(key.get(), begun.get())) {
            err.println("bundle " + begun.get().id()
                    + ", which was begun, is signed with another key than is in "
                    + request.key().get()
                    + " now; selecting anew");
            begun = Optional.empty();
        }
        if (begun.isEmpty()) {
            saved.abandon(asked);
        }
        return begun;
    }

    // The same key gives the same signature.
    private static boolean signs(BundleKey key, SavedExports.Saved export) throws IOException {
        return Arrays.equals(key.sign(export.document()), export.signature().orElse(null));
    }

    private int begin(
            ExportSelection selection,
            Optional<BundleKey> key,
            List<SignedReceipt> since,
            String asked,
            ExportSources sources)
            throws IOException, BadRequestException {
        SourceGraphs.Found found = shown(closings -> selection.find(graphs, sources));
        if (found.report().outcome() != ReplicationReport.Outcome.COMPLETE
                || found.images().isEmpty()) {
            return nothing(found.report());
        }
        Inventory whole = InventoryBuilder.build(found.images(), difference(since));
        List<SourceContent.Contradiction> contradictions = shown(closings -> {
            progress.phase("comparing " + whole.manifests().size() + " manifests");
            return content(whole, sources).contradictions();
        });
        if (!contradictions.isEmpty()) {
            return refused(selection.shown(), contradictions);
        }
        Inventory inventory = shown(closings -> {
            progress.phase("placing " + found.images().size() + " images");
            return place(whole, sources);
        });
        byte[] document = InventoryJson.write(inventory);
        Optional<byte[]> signature = Optional.empty();
        if (key.isPresent()) {
            signature = Optional.of(key.get().sign(document));
        } else if (request.dryRun() && !request.unsigned()) {
            // Whatever the key, a signature takes one block of a tar.
            signature = Optional.of(new byte[BundleLimits.SIGNATURE_BYTES]);
        }
        SavedExports.Saved bundle = new SavedExports.Saved(inventory, document, signature, name());
        Known known = new Known(
                selection.shown(),
                since,
                found.report().sourceRequests(),
                found.report().warnings());
        if (request.dryRun()) {
            List<BundleWriter.Volume> volumes = writer(bundle).volumes(all(bundle));
            return answer(bundle, known, volumes, false, Optional.empty());
        }
        BundleWriter writer = writer(bundle);
        List<BundleWriter.Volume> volumes = writer.look(all(bundle));
        if (volumes.stream().anyMatch(BundleWriter.Volume::written)) {
            saved.save(bundle, asked);
            return write(bundle, known, writer, all(bundle), sources);
        }
        return answer(bundle, known, volumes, false, Optional.of(bundle.id()));
    }

    // As a replication says it: nothing was written, so all of it has failed.
    private int nothing(ReplicationReport report) {
        ended(ExitCodes.FAILURE, ReportWriter.toJson(report), ReportWriter.toText(report));
        String why = report.outcome() == ReplicationReport.Outcome.COMPLETE
                ? "nothing is selected"
                : "not everything that is selected could be found out";
        err.println("entrepot: " + why + "; no bundle was written");
        return ExitCodes.FAILURE;
    }

    // Before anything is saved, so that the same command selects anew when the source is right.
    private int refused(String name, List<SourceContent.Contradiction> contradictions) {
        ended(
                ExitCodes.FAILURE,
                ExportReportWriter.toJson(name, contradictions),
                ExportReportWriter.toText(contradictions));
        err.println("entrepot: every import would refuse " + contradictions.size()
                + " manifests of this selection; repair them at the source, or select without their images; no bundle was"
                + " written");
        return ExitCodes.FAILURE;
    }

    private SourceContent content(Inventory inventory, ExportSources sources) throws IOException {
        return new SourceContent(inventory, reader(sources), seen, read);
    }

    private Inventory place(Inventory whole, ExportSources sources) throws IOException {
        if (request.volumeSize().isEmpty()) {
            return whole;
        }
        // A dry run reads no blob; only the digests of parts depend on that. They are SHA-256, whatever the blob's is.
        PartReader parts = request.dryRun()
                ? (blob, sizes) -> sizes.stream().map(size -> UNREAD).toList()
                : content(whole, sources);
        return VolumePlacer.place(whole, request.volumeSize().get().bytes(), parts);
    }

    private static Collection<Integer> all(SavedExports.Saved bundle) {
        return IntStream.rangeClosed(1, bundle.inventory().volumes()).boxed().toList();
    }

    private BundleWriter writer(SavedExports.Saved bundle) {
        return new BundleWriter(bundle.plan(), output(), progress);
    }

    private Path output() {
        return request.output().orElseThrow();
    }

    private String name() {
        return String.valueOf(output().getFileName());
    }

    // The same command is the same request, as long as the configuration selects the same.
    private String asked(ExportSelection selection, List<SignedReceipt> since) {
        return String.join(
                "\n",
                selection.key(),
                output().toString(),
                request.volumeSize().toString(),
                difference(since).map(Delta::receipts).toString(),
                request.key().toString());
    }

    private int write(
            SavedExports.Saved bundle,
            Known known,
            BundleWriter writer,
            Collection<Integer> numbers,
            ExportSources sources)
            throws IOException, BadRequestException {
        List<BundleWriter.Volume> volumes = shown(closings -> {
            closings.push(saved.lock(bundle)::close);
            List<BundleWriter.Volume> looked = writer.look(numbers);
            writer.write(looked, content(bundle.inventory(), sources));
            saved.finish(bundle);
            return looked;
        });
        return answer(bundle, known, volumes, false, Optional.of(bundle.id()));
    }

    private int reissue(String which) throws IOException, BadRequestException, InterruptedException {
        Path file = request.workingDirectory().resolve(which);
        Optional<SavedExports.Saved> found = Files.exists(file) ? Optional.of(ofVolume(file)) : saved.find(which);
        SavedExports.Saved bundle = found.orElseThrow(() -> new BadRequestException(which
                + " is no volume of a bundle, and no export has an id that begins so; ids are the names in "
                + config.cache().directory().resolve("exports")));
        for (int number : request.volumes()) {
            if (number < 1 || number > bundle.inventory().volumes()) {
                throw new BadRequestException("bundle " + bundle.id() + " has "
                        + bundle.inventory().volumes() + " volumes, and no volume " + number);
            }
        }
        Files.createDirectories(output());
        BundleWriter writer = new BundleWriter(bundle.plan(), output().resolve(bundle.name()), progress);
        ExportSources sources = sources();
        begin("volumes " + new TreeSet<>(request.volumes()) + " of " + bundle.name() + " again");
        List<BundleWriter.Volume> volumes = shown(closings -> {
            List<BundleWriter.Volume> looked = writer.look(new TreeSet<>(request.volumes()));
            writer.write(looked, content(bundle.inventory(), sources));
            return looked;
        });
        Known known = new Known(bundle.name(), List.of(), 0, List.of());
        return answer(bundle, known, volumes, true, Optional.of(bundle.id()));
    }

    // The file may come from the other side, and who wrote its inventory could have any content of an upstream: it must
    // be known here or signed.
    private SavedExports.Saved ofVolume(Path file) throws IOException, BadRequestException {
        SavedExports.Saved head = VolumeHead.read(file);
        List<SavedExports.Saved> known = saved.of(head.id());
        for (SavedExports.Saved export : known) {
            if (sameSignature(export, head)) {
                return named(export, head);
            }
        }
        if (isTrusted(head)) {
            return head;
        }
        if (known.isEmpty()) {
            throw new BadRequestException(
                    file + " is of bundle " + head.id() + ", which was not exported with the data folder "
                            + config.cache().directory()
                            + "; name that folder with --data, or the public key of the bundle's signature with --trust");
        }
        if (head.signature().isPresent()) {
            throw new BadRequestException(file + " is of bundle " + head.id()
                    + ", and its signature is none of those that the bundle was exported with; if it is damaged, name the id"
                    + " in the place of the volume, else the public key of the signature with --trust");
        }
        // What it carries is known here, and others of its volumes are unsigned as well.
        return head;
    }

    private static boolean sameSignature(SavedExports.Saved one, SavedExports.Saved other) {
        return Arrays.equals(one.signature().orElse(null), other.signature().orElse(null));
    }

    // The bundle may have been exported under several names, and the volume is to lie beside that file; one that was
    // renamed may no longer say whether it is a tar.
    private static SavedExports.Saved named(SavedExports.Saved export, SavedExports.Saved head) {
        boolean sameKind = VolumeNames.isTar(Path.of(export.name())) == VolumeNames.isTar(Path.of(head.name()));
        return new SavedExports.Saved(
                export.inventory(), export.document(), export.signature(), sameKind ? head.name() : export.name());
    }

    private boolean isTrusted(SavedExports.Saved head) throws IOException {
        if (head.signature().isPresent()) {
            for (Path keys : request.trust()) {
                if (BundleTrust.read(keys)
                        .verifies(head.document(), head.signature().get())) {
                    return true;
                }
            }
        }
        return false;
    }

    private int answer(
            SavedExports.Saved bundle,
            Known known,
            List<BundleWriter.Volume> volumes,
            boolean isReissue,
            Optional<Digest> id) {
        List<String> warnings = new ArrayList<>(known.warnings());
        known.since().forEach(receipt -> receipt.missing().ifPresent(warnings::add));
        ExportReport report = new ExportReport(
                known.name(),
                bundle.inventory(),
                id,
                bundle.signature().isPresent(),
                volumes,
                isReissue,
                known.delta().map(delta -> delta.lostIn(bundle.inventory())).orElse(List.of()),
                known.sourceRequests(),
                read.sums(),
                warnings);
        return ended(ExitCodes.OK, ExportReportWriter.toJson(report), ExportReportWriter.toText(report));
    }

    /** Something that takes its time. */
    private interface Doing<T> {
        T now(Closings closings) throws IOException, BadRequestException;
    }

    // While it is done, a line says how far the export has come.
    private <T> T shown(Doing<T> doing) throws IOException, BadRequestException {
        try (Closings closings = new Closings()) {
            closings.push(new ProgressPrinter(err, terminal, terminal ? progress::draw : progress::plain)::close);
            return doing.now(closings);
        }
    }

    private Function<Repository, RepositorySource> reader(ExportSources sources) throws IOException {
        Map<RegistryHost, Function<RepositoryName, RepositorySource>> readers = new LinkedHashMap<>();
        return repository -> readers.computeIfAbsent(
                        repository.registry(), host -> graphs.patient(sources.configured(host)))
                .apply(repository.name());
    }

    private ExportSources sources() throws IOException, BadRequestException, InterruptedException {
        ExportSources sources = openSources();
        open.push(sources::close);
        return sources;
    }

    private ExportSources openSources() throws IOException, BadRequestException, InterruptedException {
        if (request.from() == ExportRequest.From.UPSTREAM) {
            return ExportSources.direct(config.upstreams(), environment);
        }
        Path directory = config.cache().directory();
        Optional<RunningServer> server = RunningServer.find(directory);
        if (server.isPresent()) {
            open.push(server.get()::close);
            URI registry = readable(server.get());
            err.println("reading through the server at " + registry + ", which has " + directory + " open");
            Optional<String> passing = request.keep() ? Optional.empty() : Optional.of(Passing.HEADER);
            return ExportSources.through(registry, server.get().token(), passing, config.upstreams(), environment);
        }
        OpenedCache cache = openCache();
        if (request.from() == ExportRequest.From.CACHE) {
            return ExportSources.kept(cache.registries());
        }
        return request.keep() ? ExportSources.cached(cache.registries()) : ExportSources.passing(cache.registries());
    }

    // What is only to be known, or only read from what is kept, makes no store.
    private OpenedCache openCache() throws IOException {
        if (request.dryRun() || request.from() == ExportRequest.From.CACHE) {
            return LookedAt.open(config, environment, open);
        }
        OpenedCache cache = new OpenedCache(config, environment);
        open.push(cache::close);
        return cache;
    }

    private URI readable(RunningServer server) throws BadRequestException {
        String other = "; stop it, or read past its cache with --from upstream";
        if (request.from() == ExportRequest.From.CACHE) {
            throw new BadRequestException("the server at " + server.url()
                    + " has the data folder open, and would ask upstreams for what it does not keep" + other);
        }
        URI registry = server.registry()
                .orElseThrow(() -> new BadRequestException(
                        "the server at " + server.url() + " does not say where its pull API is" + other));
        if (!"http".equals(registry.getScheme())) {
            throw new BadRequestException("the server at " + registry
                    + " has the data folder open and speaks TLS, with a certificate that is not for this way" + other);
        }
        return registry;
    }

    @Override
    public void close() {
        open.close();
    }
}
