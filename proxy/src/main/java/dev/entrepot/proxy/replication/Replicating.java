package dev.entrepot.proxy.replication;

import dev.entrepot.config.ReplicationRuleConfig.Verify;
import dev.entrepot.replicator.ReplicationReport;
import dev.entrepot.replicator.RuleBusyException;
import java.io.IOException;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** Who plans and runs for the command line: this process, or the server that has the data folder open. */
public interface Replicating extends AutoCloseable {
    /**
     * What a run of a rule would do now.
     *
     * @param verify how the run is to verify, whatever the rule says; empty for as it says
     * @throws BadRequestException if there is no such rule
     */
    PlanAnswer plan(String rule, Optional<Verify> verify) throws IOException, BadRequestException, InterruptedException;

    /**
     * Runs a rule to its end.
     *
     * @param verify how to verify, whatever the rule says; empty for as it says
     * @param progress is given what says how far it has come, once it has begun
     * @throws BadRequestException if there is no such rule
     * @throws RuleBusyException if it is running already
     */
    ReplicationReport sync(String rule, Optional<Verify> verify, Consumer<Supplier<String>> progress)
            throws IOException, BadRequestException, RuleBusyException, InterruptedException;

    /**
     * Copies one image.
     *
     * @param verify how to verify; empty for by HEAD
     * @param progress as for {@link #sync}
     * @throws BadRequestException if the names do not say from where to where
     * @throws RuleBusyException if the same is being copied already
     */
    ReplicationReport copy(String source, String target, Optional<Verify> verify, Consumer<Supplier<String>> progress)
            throws IOException, BadRequestException, RuleBusyException, InterruptedException;

    @Override
    void close() throws IOException;
}
