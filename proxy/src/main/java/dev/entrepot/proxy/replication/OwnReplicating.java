package dev.entrepot.proxy.replication;

import dev.entrepot.config.NotificationsConfig;
import dev.entrepot.config.ReplicationRuleConfig.Verify;
import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.proxy.admin.Metrics;
import dev.entrepot.replicator.ProgressLine;
import dev.entrepot.replicator.ReplicationReport;
import dev.entrepot.replicator.ReplicationRule;
import dev.entrepot.replicator.RuleBusyException;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** Plans and runs in this process, and tells the receivers of events. */
public final class OwnReplicating implements Replicating {
    // Anew with each event that is taken. Longer than a receiver may take to answer one (30 s), and than the four
    // attempts take after which the log says why it takes none, if it cannot be reached (27 s).
    private static final Duration TAKING_NONE = Duration.ofSeconds(35);

    private final Replication replication;
    private final EventDeliveries events;
    private final ClientEnvironment environment;
    private final boolean bar;

    /**
     * With an open replication, which is closed with this.
     *
     * @param notifications who is told of runs
     * @param bar whether progress is to be drawn for a terminal
     */
    public OwnReplicating(
            Replication replication, NotificationsConfig notifications, ClientEnvironment environment, boolean bar) {
        this.replication = replication;
        this.events = new EventDeliveries(notifications.deliver(), new Metrics(), environment);
        this.environment = environment;
        this.bar = bar;
    }

    @Override
    public PlanAnswer plan(String rule, Optional<Verify> verify) throws IOException, BadRequestException {
        return PlanAnswer.of(replication.plan(rule(rule, verify)));
    }

    private ReplicationRule rule(String name, Optional<Verify> verify) throws BadRequestException {
        ReplicationRule asWritten = replication.rule(name);
        return verify.map(asWritten::verifying).orElse(asWritten);
    }

    @Override
    public ReplicationReport sync(String rule, Optional<Verify> verify, Consumer<Supplier<String>> progress)
            throws IOException, BadRequestException, RuleBusyException {
        return told(replication.run(rule(rule, verify), "command", line(progress)));
    }

    @Override
    public ReplicationReport copy(
            String source, String target, Optional<Verify> verify, Consumer<Supplier<String>> progress)
            throws IOException, BadRequestException, RuleBusyException {
        try (ImageCopy copy = replication.copy(source, target, true).verifying(verify)) {
            return told(copy.run(line(progress)));
        }
    }

    private ReplicationReport told(ReplicationReport report) {
        events.ended(report);
        return report;
    }

    private ProgressLine line(Consumer<Supplier<String>> progress) {
        ProgressLine line = new ProgressLine(environment.clock());
        progress.accept(bar ? line::draw : line::plain);
        return line;
    }

    @Override
    public void close() throws IOException {
        events.finish(TAKING_NONE);
        events.close();
        replication.close();
    }
}
