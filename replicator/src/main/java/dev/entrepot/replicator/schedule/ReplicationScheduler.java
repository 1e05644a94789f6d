package dev.entrepot.replicator.schedule;

import dev.entrepot.config.ScheduleConfig;
import dev.entrepot.replicator.Time;
import java.io.IOException;
import java.text.ParseException;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import java.util.Optional;
import java.util.Set;
import java.util.TimeZone;
import java.util.concurrent.ConcurrentHashMap;
import org.quartz.CronExpression;
import org.quartz.CronScheduleBuilder;
import org.quartz.JobBuilder;
import org.quartz.JobDetail;
import org.quartz.JobExecutionContext;
import org.quartz.JobKey;
import org.quartz.ScheduleBuilder;
import org.quartz.Scheduler;
import org.quartz.SchedulerException;
import org.quartz.SimpleScheduleBuilder;
import org.quartz.Trigger;
import org.quartz.TriggerBuilder;
import org.quartz.TriggerKey;
import org.quartz.impl.DirectSchedulerFactory;
import org.quartz.simpl.RAMJobStore;

/**
 * Runs rules when they are due. Runs that were missed are caught up by one, also those of a calendar that were missed while there was no scheduler. Schedules
 * live in memory: they come from the configuration, and what runs did is in the journal. Safe for all threads.
 */
public final class ReplicationScheduler implements AutoCloseable {
    private static final int RUNS_AT_ONCE = 32;
    private static final String GROUP = "replication";

    private final Scheduler scheduler;
    private final RuleTask task;
    private final Time time;
    // Rules that were asked to run and have not begun; one that has begun may be asked again, for what came after it
    // looked.
    private final Set<String> soon = ConcurrentHashMap.newKeySet();

    private ReplicationScheduler(Scheduler scheduler, RuleTask task, Time time) {
        this.scheduler = scheduler;
        this.task = task;
        this.time = time;
    }

    /**
     * A scheduler that does nothing before it is {@linkplain #start() started}.
     *
     * @param name a name that no other scheduler of this process has
     * @param task runs a rule
     * @param time waits for, and chooses, the random delay of a run
     */
    public static ReplicationScheduler create(String name, RuleTask task, Time time) throws IOException {
        return quartz(() -> {
            DirectSchedulerFactory factory = DirectSchedulerFactory.getInstance();
            factory.createScheduler(name, name, new VirtualThreadPool(RUNS_AT_ONCE), new RAMJobStore());
            Scheduler scheduler = factory.getScheduler(name);
            ReplicationScheduler result = new ReplicationScheduler(scheduler, task, time);
            scheduler.setJobFactory((bundle, unused) -> new ReplicationJob(result::run));
            return result;
        });
    }

    /**
     * Makes a rule known, so that it can be run when asked to; with a schedule, also when it is due. Of times of the calendar that are all over, as where Quartz' syntax names
     * a year, nothing is due.
     */
    public void add(String rule, Optional<ScheduleConfig> schedule) throws IOException {
        boolean over = schedule.isPresent()
                && schedule.get() instanceof ScheduleConfig.Cron cron
                && next(cron, time.clock().instant()).isEmpty();
        quartz(() -> {
            JobDetail job = JobBuilder.newJob(ReplicationJob.class)
                    .withIdentity(key(rule))
                    .storeDurably()
                    .build();
            scheduler.addJob(job, true);
            if (schedule.isPresent() && !over) {
                scheduler.scheduleJob(trigger(rule, schedule.get()));
            }
            return rule;
        });
    }

    /**
     * As above, of a rule that may have missed a time of the calendar: if there was one since it last ran, it runs at the start, once. An interval begins at
     * the start in any case.
     *
     * @param lastBegan when its last run began that was complete; of a rule that has had none, nothing was missed
     */
    public void add(String rule, Optional<ScheduleConfig> schedule, Optional<Instant> lastBegan) throws IOException {
        add(rule, schedule);
        if (schedule.isPresent()
                && lastBegan.isPresent()
                && schedule.get() instanceof ScheduleConfig.Cron cron
                && isMissed(cron, lastBegan.get())) {
            runSoon(rule, Duration.ZERO, "schedule", cron.jitter());
        }
    }

    private boolean isMissed(ScheduleConfig.Cron cron, Instant since) throws IOException {
        return next(cron, since)
                .filter(next -> !next.isAfter(time.clock().instant()))
                .isPresent();
    }

    private static Optional<Instant> next(ScheduleConfig.Cron cron, Instant after) throws IOException {
        try {
            CronExpression times = new CronExpression(cron.expression().toQuartz());
            times.setTimeZone(TimeZone.getTimeZone(cron.zone()));
            return Optional.ofNullable(times.getNextValidTimeAfter(Date.from(after)))
                    .map(Date::toInstant);
        } catch (ParseException e) {
            throw new IOException("the scheduler does not read " + cron.expression(), e);
        }
    }

    /**
     * Runs a rule soon, whatever its schedule. If it is to run soon already, nothing is added: many notifications are one run. While it runs, it can be
     * asked to run once more.
     *
     * @param delay how long to wait for more of the same
     * @param trigger why, for the report
     * @return whether this call made the difference
     */
    public boolean runSoon(String rule, Duration delay, String trigger) throws IOException {
        return runSoon(rule, delay, trigger, Duration.ZERO);
    }

    private boolean runSoon(String rule, Duration delay, String trigger, Duration jitter) throws IOException {
        if (!soon.add(rule)) {
            return false;
        }
        boolean scheduled = false;
        try {
            quartz(() -> scheduler.scheduleJob(TriggerBuilder.newTrigger()
                    .forJob(key(rule))
                    .usingJobData(ReplicationJob.TRIGGER, trigger)
                    .usingJobData(ReplicationJob.JITTER_MILLIS, Long.toString(jitter.toMillis()))
                    .startAt(Date.from(time.clock().instant().plus(delay)))
                    .withSchedule(SimpleScheduleBuilder.simpleSchedule().withMisfireHandlingInstructionFireNow())
                    .build()));
            scheduled = true;
            return true;
        } finally {
            if (!scheduled) {
                soon.remove(rule);
            }
        }
    }

    /** When a rule is due next by its schedule. */
    public Optional<Instant> nextRun(String rule) throws IOException {
        return quartz(() -> Optional.ofNullable(scheduler.getTrigger(new TriggerKey(rule, GROUP)))
                .map(Trigger::getNextFireTime)
                .map(Date::toInstant));
    }

    /** Starts to run rules. */
    public void start() throws IOException {
        quartz(() -> {
            scheduler.start();
            return scheduler;
        });
    }

    /** Ends the runs in progress by interrupting them, and waits for them, a minute at most. */
    @Override
    public void close() throws IOException {
        quartz(() -> {
            scheduler.standby();
            for (JobExecutionContext running : scheduler.getCurrentlyExecutingJobs()) {
                scheduler.interrupt(running.getJobDetail().getKey());
            }
            scheduler.shutdown(true);
            return scheduler;
        });
    }

    private void run(String rule, String trigger, long jitterMillis) {
        soon.remove(rule);
        try {
            if (jitterMillis > 0) {
                time.sleeper().sleep(Duration.ofMillis(time.random().nextLong(jitterMillis + 1)));
            }
            task.run(rule, trigger);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static Trigger trigger(String rule, ScheduleConfig schedule) {
        ScheduleBuilder<?> builder = switch (schedule) {
            case ScheduleConfig.Every every ->
                SimpleScheduleBuilder.simpleSchedule()
                        .withIntervalInMilliseconds(every.interval().toMillis())
                        .repeatForever()
                        .withMisfireHandlingInstructionNowWithRemainingCount();
            case ScheduleConfig.Cron cron ->
                CronScheduleBuilder.cronSchedule(cron.expression().toQuartz())
                        .inTimeZone(TimeZone.getTimeZone(cron.zone()))
                        .withMisfireHandlingInstructionFireAndProceed();
        };
        return TriggerBuilder.newTrigger()
                .withIdentity(rule, GROUP)
                .forJob(key(rule))
                .usingJobData(ReplicationJob.TRIGGER, "schedule")
                .usingJobData(
                        ReplicationJob.JITTER_MILLIS,
                        Long.toString(schedule.jitter().toMillis()))
                .withSchedule(builder)
                .build();
    }

    private static JobKey key(String rule) {
        return new JobKey(rule, GROUP);
    }

    private interface QuartzCall<T> {
        T call() throws SchedulerException;
    }

    private static <T> T quartz(QuartzCall<T> call) throws IOException {
        try {
            return call.call();
        } catch (SchedulerException e) {
            throw new IOException("the scheduler failed: " + e.getMessage(), e);
        }
    }
}
