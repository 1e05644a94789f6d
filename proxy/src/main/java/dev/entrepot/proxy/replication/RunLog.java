package dev.entrepot.proxy.replication;

import dev.entrepot.replicator.ItemReport;
import dev.entrepot.replicator.ReplicationReport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Logs each run once: a line for the run, and a line for each of the first tags that failed. */
final class RunLog implements RunListener {
    private static final Logger LOG = LoggerFactory.getLogger(RunLog.class);
    private static final int FAILURES_SHOWN = 20;

    @Override
    public void ended(ReplicationReport report) {
        LOG.info("{}", line(report));
        report.failure().ifPresent(failure -> LOG.warn("{}: {}", report.rule(), describe(failure)));
        report.items().stream()
                .filter(item -> item.state() == ItemReport.State.FAILED)
                .limit(FAILURES_SHOWN)
                .forEach(item -> LOG.warn(
                        "{}: {}/{}:{} was not moved: {}",
                        report.rule(),
                        item.target(),
                        item.repository(),
                        item.tag(),
                        item.failure().map(RunLog::describe).orElse(item.reason())));
    }

    private static String line(ReplicationReport report) {
        StringBuilder line = new StringBuilder("run " + report.run() + " of " + report.rule() + ": " + report.outcome()
                + " in " + report.duration().toMillis() + " ms (" + report.trigger() + "), " + report.sourceRequests()
                + " requests to the source");
        for (ReplicationReport.TargetSummary target : report.targets()) {
            line.append("; " + target.target() + ": " + target.copied() + " copied, " + target.upToDate()
                    + " up to date, " + target.skipped() + " skipped, " + target.pruned() + " pruned, "
                    + target.failed() + " failed, " + target.tally().bytes() + " bytes, " + target.requests()
                    + " requests");
        }
        return line.toString();
    }

    private static String describe(ItemReport.Failure failure) {
        return failure.cause();
    }
}
