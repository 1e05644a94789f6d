package dev.entrepot.replicator.schedule;

import org.jspecify.annotations.Nullable;
import org.quartz.InterruptableJob;
import org.quartz.JobExecutionContext;

/** The adapter from Quartz to a {@link RuleTask}. */
final class ReplicationJob implements InterruptableJob {
    static final String TRIGGER = "trigger";
    static final String JITTER_MILLIS = "jitter-millis";

    private final JitteredTask task;
    private volatile @Nullable Thread thread;

    /** Runs a rule after a delay of at most so many milliseconds. */
    interface JitteredTask {
        void run(String rule, String trigger, long jitterMillis);
    }

    ReplicationJob(JitteredTask task) {
        this.task = task;
    }

    @Override
    public void execute(JobExecutionContext context) {
        thread = Thread.currentThread();
        var data = context.getMergedJobDataMap();
        task.run(
                context.getJobDetail().getKey().getName(),
                data.getString(TRIGGER),
                Long.parseLong(data.getString(JITTER_MILLIS)));
    }

    @Override
    public void interrupt() {
        Thread running = thread;
        if (running != null) {
            running.interrupt();
        }
    }
}
