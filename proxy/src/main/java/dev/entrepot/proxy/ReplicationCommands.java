package dev.entrepot.proxy;

import dev.entrepot.config.EntrepotConfig;
import dev.entrepot.config.ReplicationRuleConfig;
import dev.entrepot.config.ReplicationRuleConfig.Verify;
import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.proxy.replication.BadRequestException;
import dev.entrepot.proxy.replication.ImageTree;
import dev.entrepot.proxy.replication.OwnReplicating;
import dev.entrepot.proxy.replication.PlanAnswer;
import dev.entrepot.proxy.replication.ProgressPrinter;
import dev.entrepot.proxy.replication.Registries;
import dev.entrepot.proxy.replication.Replicating;
import dev.entrepot.proxy.replication.Replication;
import dev.entrepot.proxy.replication.RunTexts;
import dev.entrepot.proxy.replication.RunningServer;
import dev.entrepot.proxy.rules.RuleSet;
import dev.entrepot.replicator.ReplicationReport;
import dev.entrepot.replicator.ReportWriter;
import dev.entrepot.replicator.RuleBusyException;
import dev.entrepot.replicator.journal.CopyJournal;
import dev.entrepot.replicator.journal.RunRecord;
import dev.entrepot.replicator.journal.RunsToRead;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;

/**
 * The commands of replication. Where a server has the data folder open, it is asked to do it; else it is done here.
 * Answers go to standard output, how far a run has come to standard error. Each command returns its exit code.
 */
final class ReplicationCommands {
    private static final int RUNS_SHOWN = 50;

    private final EntrepotConfig config;
    private final ClientEnvironment environment;
    private final PrintStream out;
    private final PrintStream err;
    private final boolean terminal;

    /**
     * The commands of a configuration.
     *
     * @param out where answers go
     * @param err where progress goes
     * @param terminal whether {@code err} is a terminal
     */
    ReplicationCommands(
            EntrepotConfig config, ClientEnvironment environment, PrintStream out, PrintStream err, boolean terminal) {
        this.config = config;
        this.environment = environment;
        this.out = out;
        this.err = err;
        this.terminal = terminal;
    }

    /** What makes a report. */
    private interface Run {
        ReplicationReport with(Replicating replicating, Consumer<Supplier<String>> progress)
                throws IOException, BadRequestException, RuleBusyException, InterruptedException;
    }

    /** {@code entrepot plan RULE}; of a run that verifies in this way, whatever the rule says, if one is given. */
    int plan(String rule, Optional<Verify> verify, boolean json)
            throws IOException, BadRequestException, InterruptedException {
        try (Closings closings = new Closings()) {
            PlanAnswer plan = of(rule, open(closings, true)).plan(rule, verify);
            out.print(json ? plan.json() + "\n" : plan.text());
            return ExitCodes.ofRun(plan.outcome());
        }
    }

    /** {@code entrepot sync RULE}; verified in this way, whatever the rule says, if one is given. */
    int sync(String rule, Optional<Verify> verify, boolean json)
            throws IOException, BadRequestException, InterruptedException {
        return run((replicating, progress) -> of(rule, replicating).sync(rule, verify, progress), json);
    }

    // Who has edited a rule must not take a plan of the old one for one of the new.
    private Replicating of(String name, Replicating replicating)
            throws IOException, BadRequestException, InterruptedException {
        if (replicating instanceof RunningServer server) {
            for (ReplicationRuleConfig rule : config.replication().rules()) {
                if (rule.name().equals(name) && server.runsOtherwise(rule)) {
                    err.println("entrepot: warning: the server has the rule " + name
                            + " as it was when the server started, not as the configuration has it now; what follows is"
                            + " by the server's: restart it to have the change");
                }
            }
        }
        return replicating;
    }

    /** {@code entrepot copy SOURCE TARGET}, verified as above. */
    int copy(String source, String target, Optional<Verify> verify, boolean json)
            throws IOException, BadRequestException, InterruptedException {
        return run((replicating, progress) -> replicating.copy(source, target, verify, progress), json);
    }

    private int run(Run run, boolean json) throws IOException, BadRequestException, InterruptedException {
        try (Closings closings = new Closings()) {
            ReplicationReport report = shown(run, open(closings, false));
            out.print(json ? ReportWriter.toJson(report) + "\n" : ReportWriter.toText(report));
            if (json) {
                report.warnings().forEach(warning -> err.println("entrepot: warning: " + warning));
            }
            return ExitCodes.ofRun(report.outcome().toString());
        } catch (RuleBusyException e) {
            throw new IOException(e.getMessage() + "; wait for its end, which \"entrepot runs\" shows", e);
        }
    }

    private ReplicationReport shown(Run run, Replicating replicating)
            throws IOException, BadRequestException, RuleBusyException, InterruptedException {
        try (Closings closings = new Closings()) {
            return run.with(
                    replicating, progress -> closings.push(new ProgressPrinter(err, terminal, progress)::close));
        }
    }

    private Replicating open(Closings closings, boolean onlyAsks) throws IOException, InterruptedException {
        Path directory = config.cache().directory();
        Optional<RunningServer> server = RunningServer.find(directory);
        if (server.isPresent()) {
            closings.push(server.get()::close);
            err.println("asking the server at " + server.get().url() + ", which has " + directory + " open");
            return server.get();
        }
        OpenedCache cache = onlyAsks ? LookedAt.open(config, environment, closings) : opened(closings);
        Registries registries = cache.directory().equals(directory)
                ? cache.registries()
                : cache.registries().forgetting();
        Replicating own = new OwnReplicating(
                Replication.open(config.replication(), cache.directory(), registries, environment),
                config.replication().notifications(),
                environment,
                terminal);
        closings.push(own::close);
        return own;
    }

    private OpenedCache opened(Closings closings) throws IOException {
        OpenedCache cache = new OpenedCache(config, environment);
        closings.push(cache::close);
        return cache;
    }

    /** {@code entrepot tree REF}. */
    int tree(String reference, boolean json) throws IOException, BadRequestException, InterruptedException {
        try (Closings closings = new Closings()) {
            TreeSources sources = new TreeSources(config, environment, err);
            ImageTree tree = ImageTree.read(
                    reference, config.upstreams(), RuleSet.of(config), environment, () -> sources.open(closings));
            out.print(json ? tree.toJson() + "\n" : tree.toText());
            int absent = tree.absent().size();
            if (absent > 0) {
                out.flush();
                err.println("entrepot: of what the indexes of " + reference + " name, " + absent
                        + (absent == 1 ? " manifest is" : " manifests are")
                        + " not there; if some platforms were copied on purpose, it is meant to be so");
                return ExitCodes.PARTLY;
            }
            return ExitCodes.OK;
        }
    }

    /**
     * {@code entrepot runs [RUN]}: reads a journal, beside a server, an import or an export that may be writing it. Of
     * one run that has ended the exit code is that of how it ended.
     *
     * @param journalOf the folder of the journal that is meant, of the data folder
     */
    int runs(Optional<Long> number, UnaryOperator<Path> journalOf, boolean json)
            throws IOException, BadRequestException {
        Path directory = journalOf.apply(config.cache().directory());
        if (Files.notExists(directory.resolve(CopyJournal.FILE))) {
            return number.isPresent()
                    ? show(Optional.empty(), Optional.empty(), number.get(), json)
                    : list(List.of(), json);
        }
        try (RunsToRead journal = RunsToRead.open(directory, environment.clock())) {
            return number.isPresent()
                    ? show(journal.run(number.get()), journal.report(number.get()), number.get(), json)
                    : list(journal.runs(RUNS_SHOWN), json);
        }
    }

    private int list(List<RunRecord> runs, boolean json) {
        out.print(json ? RunTexts.toJson(runs) + "\n" : RunTexts.toText(runs));
        return ExitCodes.OK;
    }

    private int show(Optional<RunRecord> found, Optional<String> report, long number, boolean json)
            throws IOException, BadRequestException {
        RunRecord run = found.orElseThrow(() -> new BadRequestException("there is no run " + number
                + "; \"entrepot runs\" shows the last, with --imports those of imports and with --exports those of"
                + " exports"));
        Optional<String> text = report.isPresent() ? RunTexts.report(report.get()) : Optional.empty();
        if (json) {
            out.println(RunTexts.toJson(run, report));
        } else {
            out.print(text.orElseGet(() -> RunTexts.toText(List.of(run))));
        }
        return RunTexts.ended(run) ? ExitCodes.ofRun(run.outcome()) : ExitCodes.OK;
    }
}
