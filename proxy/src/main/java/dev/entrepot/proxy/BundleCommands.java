package dev.entrepot.proxy;

import dev.entrepot.config.EntrepotConfig;
import dev.entrepot.config.NamePattern;
import dev.entrepot.config.ReplicationRuleConfig.OnSparseRefused;
import dev.entrepot.config.ReplicationRuleConfig.Verify;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.proxy.bundle.BundleListing;
import dev.entrepot.proxy.bundle.BundledGraph;
import dev.entrepot.proxy.replication.BadRequestException;
import dev.entrepot.proxy.replication.ImageTree;
import dev.entrepot.proxy.replication.ImportTargets;
import dev.entrepot.proxy.replication.ProgressPrinter;
import dev.entrepot.proxy.replication.Replication;
import dev.entrepot.replicator.ProgressLine;
import dev.entrepot.replicator.ReplicationRunner;
import dev.entrepot.replicator.RetryPolicy;
import dev.entrepot.replicator.RuleBusyException;
import dev.entrepot.replicator.SourceGraphs;
import dev.entrepot.replicator.Time;
import dev.entrepot.replicator.bundle.Bundle;
import dev.entrepot.replicator.bundle.BundleImport;
import dev.entrepot.replicator.bundle.BundleKey;
import dev.entrepot.replicator.bundle.BundleTrust;
import dev.entrepot.replicator.bundle.BundledImage;
import dev.entrepot.replicator.bundle.DamagedBundleException;
import dev.entrepot.replicator.bundle.ImportFolder;
import dev.entrepot.replicator.bundle.ImportNames;
import dev.entrepot.replicator.bundle.ImportReport;
import dev.entrepot.replicator.bundle.ImportReportWriter;
import dev.entrepot.replicator.bundle.ProblemsWriter;
import dev.entrepot.replicator.bundle.Receipt;
import dev.entrepot.replicator.bundle.ReceiptFile;
import dev.entrepot.replicator.bundle.TargetReceipt;
import dev.entrepot.replicator.bundle.VolumeProblem;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.function.Supplier;

/**
 * The commands that read bundles. Answers go to standard output, how far a command has come to standard error. Each
 * returns its exit code.
 */
final class BundleCommands {
    private final PrintStream out;
    private final PrintStream err;
    private final Path folder;
    private final boolean terminal;

    /**
     * The commands.
     *
     * @param out where answers go
     * @param err where progress goes
     * @param folder where relative paths start
     * @param terminal whether {@code err} is a terminal
     */
    BundleCommands(PrintStream out, PrintStream err, Path folder, boolean terminal) {
        this.out = out;
        this.err = err;
        this.folder = folder;
        this.terminal = terminal;
    }

    /**
     * Which bundle a command reads.
     *
     * @param volumes where its volumes are
     * @param trust files of keys of which any one is trusted
     * @param unsigned whether it is meant that it need not be signed
     */
    record Given(List<String> volumes, List<String> trust, boolean unsigned) {
        /** Copies the lists. */
        Given {
            volumes = List.copyOf(volumes);
            trust = List.copyOf(trust);
        }
    }

    /**
     * Where an import goes, and how.
     *
     * @param to the target
     * @param map other names
     * @param only which images
     * @param receipt where to write a receipt
     * @param receiptKey the key to sign it with
     * @param onSparseRefused what to do where the target refuses an index without some of its platforms
     * @param verify whether what the target has is believed by name and size, or read
     * @param again whether tags may go back to what an earlier import brought
     */
    record Import(
            String to,
            List<String> map,
            List<String> only,
            Optional<Path> receipt,
            Optional<Path> receiptKey,
            Optional<OnSparseRefused> onSparseRefused,
            Verify verify,
            boolean again) {}

    /** Opens a bundle: signature, headers, and all that is not content. */
    Bundle open(Given given) throws IOException, BadRequestException {
        Bundle.Examined examined = examine(given);
        if (!examined.problems().isEmpty()) {
            throw new DamagedBundleException(examined.problems());
        }
        return examined.bundle();
    }

    private Bundle.Examined examine(Given given) throws IOException, BadRequestException {
        if (given.trust().isEmpty() == !given.unsigned()) {
            throw new BadRequestException(
                    given.unsigned()
                            ? "--trust and --unsigned contradict each other"
                            : "name the sender's public key with --trust KEY, or say with --unsigned that the bundle need"
                                    + " not be signed");
        }
        if (given.volumes().isEmpty()) {
            throw new BadRequestException("name the volumes of the bundle, and then what of it is meant");
        }
        List<BundleTrust> trust = new ArrayList<>();
        for (String file : given.trust()) {
            trust.add(BundleTrust.read(folder.resolve(file)));
        }
        Bundle.Examined examined =
                Bundle.examine(given.volumes().stream().map(folder::resolve).toList(), trust);
        examined.notes().forEach(err::println);
        return examined;
    }

    private void verify(Bundle.Examined examined, ClientEnvironment environment) throws IOException {
        ProgressLine line = new ProgressLine(environment.clock());
        line.planned("verify", 0, examined.bundle().contentBytes());
        try (ProgressPrinter _ =
                printer(terminal ? () -> "verifying " + line.draw() : () -> "verifying " + line.plain())) {
            examined.verify(bytes -> line.moved("verify", bytes));
        }
    }

    private ProgressPrinter printer(Supplier<String> line) {
        return new ProgressPrinter(err, terminal, line);
    }

    /** {@code entrepot verify BUNDLE...}. */
    int verify(Given given, ClientEnvironment environment, boolean json) throws IOException, BadRequestException {
        return reported(json, () -> {
            Bundle.Examined examined = examine(given);
            verify(examined, environment);
            Bundle bundle = examined.bundle();
            List<VolumeProblem> missing = bundle.missingVolumes();
            if (json) {
                String outcome = missing.isEmpty() ? "complete" : "partly";
                out.println(ProblemsWriter.toJson(outcome, Optional.of(bundle.id()), missing));
            } else {
                out.println(BundleListing.summary(bundle));
                out.println(
                        missing.isEmpty()
                                ? BundleListing.verified(bundle)
                                : "every byte of volumes " + bundle.volumes() + " is as it was exported");
                missing.forEach(out::println);
            }
            return missing.isEmpty() ? ExitCodes.OK : ExitCodes.PARTLY;
        });
    }

    /** What a command does with a bundle. */
    private interface Doing {
        int now() throws IOException, BadRequestException;
    }

    // What is wrong with a bundle is an answer, too; who reads it for a program gets it where answers are.
    private int reported(boolean json, Doing doing) throws IOException, BadRequestException {
        try {
            return doing.now();
        } catch (DamagedBundleException e) {
            if (json) {
                out.println(ProblemsWriter.toJson("failed", Optional.empty(), e.problems()));
            }
            throw e;
        }
    }

    /** {@code entrepot ls BUNDLE...}. */
    int list(Given given, boolean json) throws IOException, BadRequestException {
        BundleListing listing = new BundleListing(open(given));
        out.print(json ? listing.toJson() + "\n" : listing.toText());
        return ExitCodes.OK;
    }

    /** {@code entrepot tree BUNDLE... REF}. */
    int tree(Given given, String name, boolean json) throws IOException, BadRequestException {
        Bundle bundle = open(given);
        BundledImage image = BundledGraph.find(bundle, name)
                .orElseThrow(() -> new BadRequestException(
                        "the bundle has no image " + name + "; \"entrepot ls\" shows those that it has"));
        ImageTree tree = new ImageTree(name, BundledGraph.of(bundle, image));
        Predicate<Digest> held = digest -> BundledGraph.held(bundle, digest);
        out.print(json ? tree.toJson(held) + "\n" : tree.toText(held));
        return ExitCodes.OK;
    }

    /** {@code entrepot import BUNDLE... --to TARGET}. */
    int imports(Given given, Import wanted, EntrepotConfig config, ClientEnvironment environment, boolean json)
            throws IOException, BadRequestException {
        return reported(json, () -> imported(given, wanted, config, environment, json));
    }

    private int imported(Given given, Import wanted, EntrepotConfig config, ClientEnvironment environment, boolean json)
            throws IOException, BadRequestException {
        Optional<BundleKey> key = receiptKey(given.unsigned(), wanted);
        ImportTargets targets = new ImportTargets(config.upstreams(), config.replication(), environment);
        try (ImportTargets.Opened target = targets.open(wanted.to(), folder, wanted.onSparseRefused())) {
            ImportNames names = names(wanted, target);
            Bundle.Examined examined = examine(given);
            if (!examined.problems().isEmpty()) {
                // Whoever has to ask the sender for a volume wants to know of all at once.
                verify(examined, environment);
            }
            Bundle bundle = examined.bundle();
            refuseIdle(names.idle(bundle.inventory().images()));
            if (wanted.receipt().isPresent()) {
                ReceiptFile.prepare(folder.resolve(wanted.receipt().get()));
            }
            try (ImportFolder imports = ImportFolder.open(config.cache().directory(), environment.clock())) {
                Time time = Replication.time(environment);
                ReplicationRunner runner = ReplicationRunner.comparing(imports.journal(), time, RetryPolicy.DEFAULT);
                BundleImport work = new BundleImport(
                        bundle, names, target.target().verified(wanted.verify()), imports, runner, wanted.again());
                ImportReport report = run(work, environment);
                out.print(json ? ImportReportWriter.toJson(report) + "\n" : ImportReportWriter.toText(report));
                if (wanted.receipt().isPresent()) {
                    receipt(
                            work.receipt(report),
                            folder.resolve(wanted.receipt().get()),
                            key);
                }
                return ExitCodes.ofRun(report.outcome());
            }
        }
    }

    private static void refuseIdle(List<String> idle) throws BadRequestException {
        if (!idle.isEmpty()) {
            throw new BadRequestException(String.join(", ", idle)
                    + (idle.size() == 1 ? " matches" : " match")
                    + " no image of the bundle; names are those of the source, as \"entrepot ls\" shows them");
        }
    }

    /**
     * {@code entrepot receipt [REPOSITORY...] --to TARGET}.
     *
     * @param repositories names or globs of the source; all of the target if there are none
     * @param wanted the target and its names, and where the receipt goes
     * @param unsigned whether it is meant that it is not signed
     */
    int receipt(
            List<String> repositories,
            Import wanted,
            boolean unsigned,
            EntrepotConfig config,
            ClientEnvironment environment)
            throws IOException, BadRequestException {
        Path file = folder.resolve(wanted.receipt().orElseThrow());
        Optional<BundleKey> key = receiptKey(unsigned, wanted);
        List<NamePattern> patterns = new ArrayList<>();
        for (String repository : repositories) {
            patterns.add(pattern(repository));
        }
        ImportTargets targets = new ImportTargets(config.upstreams(), config.replication(), environment);
        try (ImportTargets.Opened target = targets.open(wanted.to(), folder, Optional.empty());
                ImportFolder imports = ImportFolder.open(config.cache().directory(), environment.clock())) {
            ReceiptFile.prepare(file);
            Time time = Replication.time(environment);
            TargetReceipt work = new TargetReceipt(
                    names(wanted, target),
                    target.target().verified(wanted.verify()),
                    target.source(),
                    new SourceGraphs(time, RetryPolicy.DEFAULT).patient(target.source()),
                    imports,
                    ReplicationRunner.comparing(imports.journal(), time, RetryPolicy.DEFAULT));
            TargetReceipt.Made made = work.make(patterns);
            made.unread().forEach(line -> err.println("not in the receipt: " + line));
            receipt(made.receipt(), file, key);
            return made.unread().isEmpty() ? ExitCodes.OK : ExitCodes.PARTLY;
        }
    }

    private static NamePattern pattern(String text) throws BadRequestException {
        try {
            NamePattern pattern = NamePattern.parse(text);
            return pattern.kind() == NamePattern.Kind.EXACT
                    ? NamePattern.parse(new RepositoryName(text).value())
                    : pattern;
        } catch (IllegalArgumentException e) {
            throw new BadRequestException(text + " is no repository: " + e.getMessage());
        }
    }

    private Optional<BundleKey> receiptKey(boolean unsigned, Import wanted) throws IOException, BadRequestException {
        if (wanted.receipt().isPresent() && wanted.receiptKey().isEmpty() && !unsigned) {
            throw new BadRequestException("a receipt is signed: name a private key with --receipt-key KEY.pem");
        }
        if (wanted.receipt().isPresent()
                && wanted.receiptKey()
                        .filter(key -> folder.resolve(key)
                                .normalize()
                                .equals(folder.resolve(wanted.receipt().get()).normalize()))
                        .isPresent()) {
            throw new BadRequestException(
                    "--receipt and --receipt-key name the same file, and the key would be written over");
        }
        return wanted.receiptKey().isEmpty()
                ? Optional.empty()
                : Optional.of(BundleKey.read(folder.resolve(wanted.receiptKey().get())));
    }

    private static ImportNames names(Import wanted, ImportTargets.Opened target) throws BadRequestException {
        try {
            return ImportNames.parse(wanted.only(), wanted.map(), target.prefix());
        } catch (IllegalArgumentException e) {
            throw new BadRequestException(String.valueOf(e.getMessage()));
        }
    }

    private ImportReport run(BundleImport work, ClientEnvironment environment) throws IOException {
        ProgressLine line = new ProgressLine(environment.clock());
        try (ProgressPrinter _ = printer(terminal ? line::draw : line::plain)) {
            return work.run(line);
        } catch (RuleBusyException e) {
            throw new IOException(e.getMessage(), e);
        }
    }

    private void receipt(Receipt receipt, Path file, Optional<BundleKey> key) throws IOException {
        ReceiptFile.write(receipt, file, key);
        int lost = receipt.lost().values().stream().mapToInt(Set::size).sum();
        err.println("receipt: " + receipt.images().size() + " images complete at " + receipt.target()
                + (lost == 0 ? "" : ", which lost " + lost + " manifests and blobs that an earlier receipt has")
                + "; in " + file);
    }
}
