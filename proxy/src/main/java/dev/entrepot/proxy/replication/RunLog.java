package dev.entrepot.proxy.replication;

import dev.entrepot.replicator.FailureGroup;
import dev.entrepot.replicator.ReplicationReport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Logs each run once: a line for the run, and a line for each of the first failures, those with the same cause
 * together.
 */
final class RunLog implements RunListener {
    private static final Logger LOG = LoggerFactory.getLogger(RunLog.class);
    private static final int FAILURES_SHOWN = 20;

    @Override
    public void ended(ReplicationReport report) {
        LOG.info("{}", line(report));
        report.warnings().forEach(warning -> LOG.warn("{}", warning));
        report.leftOut()
                .forEach(target -> LOG.warn(
                        "{}: {} is left out: an earlier round is not done with it, after which the rule runs again",
                        report.rule(),
                        target));
        report.failure().ifPresent(failure -> LOG.warn("{}: {}", report.rule(), failure.cause()));
        FailureGroup.of(report).stream()
                .limit(FAILURES_SHOWN)
                .forEach(group -> LOG.warn(
                        "{}: not moved: {}: {}",
                        report.rule(),
                        group.place(),
                        group.first().cause()));
    }

    private static String line(ReplicationReport report) {
        StringBuilder line = new StringBuilder((report.roundOf().isPresent() ? "round " : "run ") + report.run()
                + " of " + report.rule() + ": " + report.outcome()
                + " in " + report.duration().toMillis() + " ms (" + report.trigger()
                + (report.roundOf().isPresent()
                        ? ", a round of run " + report.roundOf().getAsLong()
                        : "")
                + "), " + report.sourceRequests()
                + " requests to the source");
        for (ReplicationReport.TargetSummary target : report.targets()) {
            line.append("; " + target.target() + ": " + target.copied() + " copied, " + target.upToDate()
                    + " up to date, " + target.skipped() + " skipped, " + target.pruned() + " pruned, "
                    + target.failed() + " failed, " + target.tally().bytes() + " bytes, " + target.requests()
                    + " requests");
        }
        return line.toString();
    }
}
