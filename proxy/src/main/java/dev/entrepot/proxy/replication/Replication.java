package dev.entrepot.proxy.replication;

import dev.entrepot.config.ReplicationConfig;
import dev.entrepot.config.ReplicationRuleConfig;
import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.oci.client.RegistryClient;
import dev.entrepot.replicator.ProgressListener;
import dev.entrepot.replicator.ReplicationPlan;
import dev.entrepot.replicator.ReplicationReport;
import dev.entrepot.replicator.ReplicationRule;
import dev.entrepot.replicator.ReplicationRunner;
import dev.entrepot.replicator.RetryPolicy;
import dev.entrepot.replicator.RuleBusyException;
import dev.entrepot.replicator.Time;
import dev.entrepot.replicator.journal.CopyJournal;
import dev.entrepot.replicator.journal.DamagedJournalException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The rules of a process, ready to be planned and run, and the journal of what they did. One for a data folder at a
 * time: whoever has the store open. Safe for all threads.
 */
public final class Replication implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Replication.class);

    private final Map<String, ReplicationRule> rules = new LinkedHashMap<>();
    private final Map<String, ReplicationRuleConfig> configured = new HashMap<>();
    private final CopyJournal journal;
    private final Optional<String> problem;
    private final ReplicationTargets targets;
    private final OtherSources others;
    private final ReplicationRunner runner;
    private final ImageCopies copies;

    private Replication(
            CopyJournal journal, ReplicationTargets targets, Registries sources, Time time, Optional<String> problem) {
        this.journal = journal;
        this.problem = problem;
        this.targets = targets;
        this.runner = new ReplicationRunner(journal, time, RetryPolicy.DEFAULT);
        this.others = new OtherSources(sources.environment(), sources.servesClients());
        this.copies = new ImageCopies(sources, others, targets, runner);
    }

    /**
     * Opens the journal and the clients of all targets; connects to nothing yet.
     *
     * @param directory the data folder, whose store the caller has open
     * @param sources what rules copy from
     * @throws IOException if the journal or a certificate cannot be read
     */
    public static Replication open(
            ReplicationConfig config, Path directory, Registries sources, ClientEnvironment environment)
            throws IOException {
        Time time = time(environment);
        return open(config, sources, environment, CopyJournal.open(directory, time.clock()), time, Optional.empty());
    }

    /**
     * As above, for a server: where there are no rules, a damaged journal keeps it from nothing. That is put aside, and
     * a new one made; {@link #problem()} says so. With rules it is refused: what is immutable, and what may be pruned,
     * is nowhere else.
     */
    public static Replication openForServing(
            ReplicationConfig config, Path directory, Registries sources, ClientEnvironment environment)
            throws IOException {
        if (!config.rules().isEmpty()) {
            return open(config, directory, sources, environment);
        }
        Time time = time(environment);
        try {
            CopyJournal journal = CopyJournal.openChecked(directory, time.clock());
            return open(config, sources, environment, journal, time, Optional.empty());
        } catch (DamagedJournalException e) {
            String problem = "the replication journal was damaged and was put aside as "
                    + CopyJournal.putAside(directory)
                    + ": the reports of earlier runs are in it, and what rules had copied, if there were any";
            LOG.error("{} ({})", problem, e.getMessage());
            CopyJournal journal = CopyJournal.open(directory, time.clock());
            return open(config, sources, environment, journal, time, Optional.of(problem));
        }
    }

    private static Replication open(
            ReplicationConfig config,
            Registries sources,
            ClientEnvironment environment,
            CopyJournal journal,
            Time time,
            Optional<String> problem)
            throws IOException {
        Replication replication =
                new Replication(journal, new ReplicationTargets(environment, config.rules()), sources, time, problem);
        try {
            for (ReplicationRuleConfig rule : config.rules()) {
                replication.configured.put(rule.name(), rule);
                replication.rules.put(
                        rule.name(),
                        ReplicationRule.of(rule, sources.source(rule.source()), replication.targets.open(rule)));
            }
            return replication;
        } catch (IOException | RuntimeException e) {
            replication.close();
            throw e;
        }
    }

    /** What was wrong with the journal when it was opened, and what was done about it; mostly empty. */
    public Optional<String> problem() {
        return problem;
    }

    /** Clock, sleep and randomness for runs. */
    public static Time time(ClientEnvironment environment) {
        return new Time(
                environment.clock(), environment.nanoTime(), environment.sleeper()::sleep, environment.random());
    }

    /** The {@link RuleFingerprint} of a rule; empty if there is none of that name. */
    Optional<String> fingerprint(String rule) {
        return Optional.ofNullable(configured.get(rule)).map(RuleFingerprint::of);
    }

    /** All rules that copy somewhere, in the order of the configuration. */
    public Collection<ReplicationRule> rules() {
        return rules.values().stream().filter(rule -> !rule.targets().isEmpty()).toList();
    }

    /**
     * A rule.
     *
     * @throws BadRequestException if there is none of that name, or it has no targets
     */
    public ReplicationRule rule(String name) throws BadRequestException {
        ReplicationRule rule = Optional.ofNullable(rules.get(name))
                .orElseThrow(() -> new BadRequestException("there is no rule " + name + "; "
                        + (rules.isEmpty()
                                ? "the configuration has none under replication.rules"
                                : "the configuration has " + String.join(", ", rules.keySet()))));
        if (rule.targets().isEmpty()) {
            throw new BadRequestException(
                    "rule " + name + " has no targets: only \"entrepot export " + name + " --output FILE\" runs it");
        }
        return rule;
    }

    /**
     * What a run of a rule would do now.
     *
     * @throws IOException if the repositories of the source cannot be known, or the journal fails
     */
    public ReplicationPlan plan(ReplicationRule rule) throws IOException {
        return runner.plan(rule);
    }

    /**
     * Runs a rule on this thread; see {@link ReplicationRunner#run}.
     *
     * @throws RuleBusyException if it is running already
     * @throws IOException if the journal fails or the thread is interrupted
     */
    public ReplicationReport run(ReplicationRule rule, String trigger, ProgressListener progress)
            throws IOException, RuleBusyException {
        return runner.run(rule, trigger, progress);
    }

    /**
     * Prepares to copy one image without a rule.
     *
     * @param source name of the image to copy
     * @param target name that it is to have; the tag may be left out where the source has one, and in a layout the
     *     repository
     * @param anyLayout whether layouts may be read and written that are not targets of rules
     * @throws BadRequestException if the names do not say from where to where
     * @throws IOException if the client of a registry cannot be set up
     */
    public ImageCopy copy(String source, String target, boolean anyLayout) throws BadRequestException, IOException {
        return copies.prepare(source, target, anyLayout);
    }

    /** Whether a run of that name is in progress. */
    public boolean isRunning(String rule) {
        return runner.isRunning(rule);
    }

    /** The clients of all targets that are registries, which are closed with this. */
    public List<RegistryClient> targetClients() {
        return targets.clients();
    }

    /** What runs did. */
    public CopyJournal journal() {
        return journal;
    }

    @Override
    public void close() throws IOException {
        others.close();
        targets.close();
        journal.close();
    }
}
