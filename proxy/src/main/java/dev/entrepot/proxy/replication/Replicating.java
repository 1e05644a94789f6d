package dev.entrepot.proxy.replication;

import dev.entrepot.replicator.ReplicationReport;
import dev.entrepot.replicator.RuleBusyException;
import java.io.IOException;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** Who plans and runs for the command line: this process, or the server that has the data folder open. */
public interface Replicating extends AutoCloseable {
    /**
     * What a run of a rule would do now.
     *
     * @throws BadRequestException if there is no such rule
     */
    PlanAnswer plan(String rule) throws IOException, BadRequestException, InterruptedException;

    /**
     * Runs a rule to its end.
     *
     * @param progress is given what says how far it has come, once it has begun
     * @throws BadRequestException if there is no such rule
     * @throws RuleBusyException if it is running already
     */
    ReplicationReport sync(String rule, Consumer<Supplier<String>> progress)
            throws IOException, BadRequestException, RuleBusyException, InterruptedException;

    /**
     * Copies one image.
     *
     * @param progress as for {@link #sync}
     * @throws BadRequestException if the names do not say from where to where
     * @throws RuleBusyException if the same is being copied already
     */
    ReplicationReport copy(String source, String target, Consumer<Supplier<String>> progress)
            throws IOException, BadRequestException, RuleBusyException, InterruptedException;

    @Override
    void close() throws IOException;
}
