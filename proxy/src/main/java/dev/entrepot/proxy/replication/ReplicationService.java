package dev.entrepot.proxy.replication;

import dev.entrepot.config.NotificationsConfig;
import dev.entrepot.config.ReplicationConfig;
import dev.entrepot.config.ReplicationRuleConfig;
import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.oci.client.RegistryClient;
import dev.entrepot.proxy.admin.AdminEndpoint;
import dev.entrepot.proxy.admin.Metrics;
import dev.entrepot.proxy.admin.SecretJudge;
import dev.entrepot.replicator.ReplicationRule;
import dev.entrepot.replicator.journal.CopyJournal;
import dev.entrepot.replicator.schedule.ReplicationScheduler;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Replication in a server: the rules run by their schedules, by notifications and on demand, and tell the log, the
 * metrics and the receivers of events.
 */
public final class ReplicationService implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ReplicationService.class);

    // A server that is told to stop does not wait for receivers that are down.
    private static final Duration TELLING = Duration.ofSeconds(3);

    // Of a rule. How it stands where none of these was says the journal besides.
    private static final int RUNS_RECALLED = 50;

    private final Replication replication;
    private final ReplicationScheduler scheduler;
    private final EventDeliveries events;
    private final RuleRuns runs;
    private final AdminEndpoint api;
    private final ReplicationStatus status;

    /**
     * Puts it together; nothing runs before {@link #start()}. The service closes the replication.
     *
     * @param config the configuration that the replication was opened with
     * @param tracing follows runs
     * @param instance what tells this server from others, see {@link ServerNote}
     * @param judge bounds wrong secrets of notifications
     */
    public ReplicationService(
            Replication replication,
            ReplicationConfig config,
            String instance,
            Metrics metrics,
            ClientEnvironment environment,
            RunTracing tracing,
            SecretJudge judge)
            throws IOException {
        this.replication = replication;
        NotificationsConfig notifications = config.notifications();
        ReplicationMetrics counted = new ReplicationMetrics(metrics, replication.rules(), environment.clock());
        CopyJournal journal = replication.journal();
        journal.forgetRuns(CopyJournal.HISTORY);
        for (ReplicationRule rule : replication.rules()) {
            counted.recall(journal.runs().telling(rule.name(), RUNS_RECALLED));
        }
        this.events = new EventDeliveries(notifications.deliver(), metrics, environment);
        this.scheduler = ReplicationScheduler.create(
                "replication-" + UUID.randomUUID(), this::runScheduled, Replication.time(environment));
        this.runs = new RuleRuns(
                replication::run,
                environment.clock(),
                List.of(new RunLog(), counted, events),
                tracing,
                (rule, trigger) -> runAgain(scheduler, rule, trigger));
        journal.runs()
                .oweOnly(
                        config.rules().stream().map(ReplicationRuleConfig::name).collect(Collectors.toSet()));
        for (ReplicationRuleConfig rule : config.rules()) {
            scheduler.add(
                    rule.name(),
                    rule.schedule(),
                    journal.runs().lastRuns(rule.name()),
                    journal.runs().owed(rule.name()));
        }
        this.status = new ReplicationStatus(replication, runs, scheduler, counted);
        this.api = new ReplicationApi(
                replication,
                runs,
                scheduler,
                new NotificationReceiver(notifications.receive(), replication, scheduler, judge),
                instance);
    }

    private void runScheduled(String name, String trigger) {
        try {
            ReplicationRule rule = replication.rule(name);
            runs.run(rule, trigger);
        } catch (BadRequestException e) {
            LOG.error("{}", e.getMessage());
        }
    }

    private static void runAgain(ReplicationScheduler scheduler, String name, String trigger) {
        try {
            scheduler.runSoon(name, Duration.ZERO, trigger);
        } catch (IOException e) {
            LOG.warn("{} does not run again for what came while it ran: {}", name, e.getMessage());
        }
    }

    /** The part of the admin API that shows and runs rules. */
    public AdminEndpoint api() {
        return api;
    }

    /** The clients of all targets that are registries, which are closed with this. */
    public List<RegistryClient> targetClients() {
        return replication.targetClients();
    }

    /** How rules stand and how far runs have come. */
    public ReplicationStatus status() {
        return status;
    }

    /** What was wrong with the journal at the start; mostly empty. */
    public Optional<String> problem() {
        return replication.problem();
    }

    /** Begins to run rules. */
    public void start() throws IOException {
        if (!replication.rules().isEmpty()) {
            scheduler.start();
        }
    }

    /** Breaks off what runs, which the next run of each rule takes up, and closes everything. */
    @Override
    public void close() throws IOException {
        try {
            scheduler.close();
        } finally {
            runs.close();
            events.finishWithin(TELLING);
            events.close();
            replication.close();
        }
    }
}
