package dev.entrepot.proxy.replication;

import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.replicator.ProgressLine;
import dev.entrepot.replicator.ReplicationReport;
import dev.entrepot.replicator.RuleBusyException;
import java.io.IOException;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** Plans and runs in this process. */
public final class OwnReplicating implements Replicating {
    private final Replication replication;
    private final ClientEnvironment environment;
    private final boolean bar;

    /**
     * With an open replication, which is closed with this.
     *
     * @param bar whether progress is to be drawn for a terminal
     */
    public OwnReplicating(Replication replication, ClientEnvironment environment, boolean bar) {
        this.replication = replication;
        this.environment = environment;
        this.bar = bar;
    }

    @Override
    public PlanAnswer plan(String rule) throws IOException, BadRequestException {
        return PlanAnswer.of(replication.plan(replication.rule(rule)));
    }

    @Override
    public ReplicationReport sync(String rule, Consumer<Supplier<String>> progress)
            throws IOException, BadRequestException, RuleBusyException {
        return replication.run(replication.rule(rule), "command", line(progress));
    }

    @Override
    public ReplicationReport copy(String source, String target, Consumer<Supplier<String>> progress)
            throws IOException, BadRequestException, RuleBusyException {
        try (ImageCopy copy = replication.copy(source, target)) {
            return copy.run(line(progress));
        }
    }

    private ProgressLine line(Consumer<Supplier<String>> progress) {
        ProgressLine line = new ProgressLine(environment.clock());
        progress.accept(bar ? line::draw : line::plain);
        return line;
    }

    @Override
    public void close() throws IOException {
        replication.close();
    }
}
