package dev.entrepot.replicator.schedule;

import org.jspecify.annotations.Nullable;
import org.quartz.InterruptableJob;
import org.quartz.JobExecutionContext;
import org.quartz.TriggerKey;

/** The adapter from Quartz to a {@link RuleTask}. */
final class ReplicationJob implements InterruptableJob {
    static final String TRIGGER = "trigger";
    static final String JITTER_MILLIS = "jitter-millis";

    private final Due whenDue;
    private volatile @Nullable Thread thread;

    /** What is done when a trigger fires. */
    interface Due {
        /**
         * Runs a rule, or has it run later.
         *
         * @param jitterMillis the longest random delay
         * @param by what fired
         */
        void due(String rule, String trigger, long jitterMillis, TriggerKey by);
    }

    ReplicationJob(Due whenDue) {
        this.whenDue = whenDue;
    }

    @Override
    public void execute(JobExecutionContext context) {
        thread = Thread.currentThread();
        var data = context.getMergedJobDataMap();
        whenDue.due(
                context.getJobDetail().getKey().getName(),
                data.getString(TRIGGER),
                Long.parseLong(data.getString(JITTER_MILLIS)),
                context.getTrigger().getKey());
    }

    @Override
    public void interrupt() {
        Thread running = thread;
        if (running != null) {
            running.interrupt();
        }
    }
}
