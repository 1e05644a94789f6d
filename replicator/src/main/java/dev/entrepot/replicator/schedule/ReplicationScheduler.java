package dev.entrepot.replicator.schedule;

import dev.entrepot.config.ScheduleConfig;
import dev.entrepot.replicator.Time;
import dev.entrepot.replicator.journal.LastRuns;
import java.io.IOException;
import java.text.ParseException;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TimeZone;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.quartz.CronExpression;
import org.quartz.CronScheduleBuilder;
import org.quartz.JobBuilder;
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
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs rules when they are due. Runs that were missed are caught up by one: those that the scheduler's thread or the
 * machine slept through, by Quartz, and those that were missed while there was no scheduler, by the {@link LastRuns}.
 * Schedules live in memory: they come from the configuration, and what runs did is in the journal. Safe for all
 * threads.
 *
 * <p>A run that came to its end, complete or not, has served its time: what failed is for the next. One that came to
 * none is begun again, soon after the start, but each time later where the one before came to none either.
 */
public final class ReplicationScheduler implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ReplicationScheduler.class);
    // A run that waits for a silent target has 64 images under way, each with its thread: 1 MiB of heap, as measured
    // with
    // 300 of them. So they have half of it, however many there are; what a run asks of a host is bounded by its client.
    private static final long HEAP_BYTES_OF_A_RUN = 2L << 20;
    private static final int LEAST_RUNS_AT_ONCE = 32;
    // What is later than that was missed, and all that was missed is one run. Shorter than any interval.
    private static final Duration LATE = Duration.ofMillis(500);
    // Before a run is begun again that came to no end twice in a row; doubled for each more.
    private static final Duration FIRST_BACK_OFF = Duration.ofMinutes(1);
    private static final Duration LAST_BACK_OFF = Duration.ofHours(1);
    private static final String GROUP = "replication";
    private static final String CATCHING_UP = "catching-up";
    private static final String DELAYED = "delayed";

    private final Scheduler scheduler;
    private final RuleTask task;
    private final Time time;
    // Rules that were asked to run and have not begun, each with the trigger that is to begin it; one that has begun
    // may
    // be asked again, for what came after it looked.
    private final Map<String, TriggerKey> soon = new ConcurrentHashMap<>();
    // Rules whose time has come and whose random delay is not over.
    private final Set<String> delayed = ConcurrentHashMap.newKeySet();

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
     * @param time tells the time, and chooses the random delay of a run
     */
    public static ReplicationScheduler create(String name, RuleTask task, Time time) throws IOException {
        long room = Runtime.getRuntime().maxMemory() / HEAP_BYTES_OF_A_RUN;
        return create(name, task, time, Math.clamp(room, LEAST_RUNS_AT_ONCE, Integer.MAX_VALUE));
    }

    /** As above, with how many runs may be in progress at once. */
    static ReplicationScheduler create(String name, RuleTask task, Time time, int runsAtOnce) throws IOException {
        return quartz(() -> {
            DirectSchedulerFactory factory = DirectSchedulerFactory.getInstance();
            RAMJobStore store = new RAMJobStore();
            store.setMisfireThreshold(LATE.toMillis());
            factory.createScheduler(name, name, new VirtualThreadPool(runsAtOnce), store);
            Scheduler scheduler = factory.getScheduler(name);
            ReplicationScheduler result = new ReplicationScheduler(scheduler, task, time);
            scheduler.setJobFactory((bundle, unused) -> new ReplicationJob(result::due));
            return result;
        });
    }

    /** Makes a rule known that never ran; see below. */
    public void add(String rule, Optional<ScheduleConfig> schedule) throws IOException {
        add(rule, schedule, LastRuns.NONE);
    }

    /**
     * Makes a rule known, so that it can be run when asked to; with a schedule, also when it is due. Of times of the
     * calendar that are all over, as where Quartz' syntax names a year, nothing is due. What is due while a run of the
     * rule waits for the end of its random delay is that run.
     *
     * <p>An interval goes on where it was: the first run is an interval after the last began, at once if that is over
     * or there was none. Where there was a time of the calendar since the last run began, it is caught up at once; of a
     * rule that never ran, nothing was missed. Where the last run came to no end, the first is at once, or after a
     * minute if that was so twice in a row, and after twice as long for each time more, an hour at most.
     */
    public void add(String rule, Optional<ScheduleConfig> schedule, LastRuns last) throws IOException {
        add(rule, schedule, last, Optional.empty());
    }

    /**
     * As above, and catches up with what the rule was to run for and did not, at the time at which it would begin again
     * what came to no end; also without a schedule, where nothing else is caught up with.
     *
     * @param owed why it was to run, see {@link dev.entrepot.replicator.journal.RunRecords#owed}
     */
    public void add(String rule, Optional<ScheduleConfig> schedule, LastRuns last, Optional<String> owed)
            throws IOException {
        quartz(() -> {
            scheduler.addJob(
                    JobBuilder.newJob(ReplicationJob.class)
                            .withIdentity(key(rule))
                            .storeDurably()
                            .build(),
                    true);
            return rule;
        });
        Optional<Duration> again = again(last, owed.isPresent());
        if (schedule.isPresent()) {
            switch (schedule.get()) {
                case ScheduleConfig.Every every -> schedule(rule, every, first(every, last, again));
                case ScheduleConfig.Cron cron -> add(rule, cron, last, again);
            }
        } else if (owed.isPresent()) {
            catchUp(rule, again.orElse(Duration.ZERO), owed.get(), Duration.ZERO);
        }
    }

    private void add(String rule, ScheduleConfig.Cron cron, LastRuns last, Optional<Duration> again)
            throws IOException {
        Instant now = time.clock().instant();
        if (next(cron, now).isPresent()) {
            schedule(rule, cron, now);
        }
        boolean missed = last.began().isPresent()
                && next(cron, last.began().get())
                        .filter(next -> !next.isAfter(now))
                        .isPresent();
        if (again.isPresent() || missed) {
            catchUp(rule, again.orElse(Duration.ZERO), "schedule", cron.jitter());
        }
    }

    private Instant first(ScheduleConfig.Every every, LastRuns last, Optional<Duration> again) {
        Instant now = time.clock().instant();
        if (again.isPresent()) {
            return now.plus(again.get());
        }
        Instant due = last.began().map(began -> began.plus(every.interval())).orElse(now);
        // A clock that was set back is no reason to wait for longer than that.
        Instant latest = now.plus(every.interval());
        return due.isBefore(now) ? now : due.isAfter(latest) ? latest : due;
    }

    /** After which time to begin again what came to no end, or to do what is owed; empty if there is neither. */
    private static Optional<Duration> again(LastRuns last, boolean owed) {
        if (last.unfinished() == 0) {
            return owed ? Optional.of(Duration.ZERO) : Optional.empty();
        }
        Duration wait = last.unfinished() == 1 ? Duration.ZERO : FIRST_BACK_OFF;
        for (int more = 2; more < last.unfinished() && wait.compareTo(LAST_BACK_OFF) < 0; more++) {
            wait = wait.multipliedBy(2);
        }
        return Optional.of(wait.compareTo(LAST_BACK_OFF) > 0 ? LAST_BACK_OFF : wait);
    }

    private void schedule(String rule, ScheduleConfig schedule, Instant from) throws IOException {
        quartz(() -> scheduler.scheduleJob(trigger(rule, schedule, from)));
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
     * Runs a rule soon, whatever its schedule. If it is to run soon already, nothing is added: many notifications are
     * one run. While it runs, it can be asked to run once more.
     *
     * @param delay how long to wait for more of the same
     * @param trigger why, for the report
     * @return whether this call made the difference
     */
    public boolean runSoon(String rule, Duration delay, String trigger) throws IOException {
        return runSoon(rule, once(rule, delay, trigger, Duration.ZERO).build());
    }

    /**
     * As above, for something that has just happened: that does not wait for the time at which the rule is to catch up
     * with what was before the start, up to an hour later. It takes the place of that.
     */
    public boolean runSoonForNews(String rule, Duration delay, String trigger) throws IOException {
        Trigger news = once(rule, delay, trigger, Duration.ZERO).build();
        return runSoon(rule, news) || takesThePlaceOfCatchingUp(rule, news);
    }

    private boolean takesThePlaceOfCatchingUp(String rule, Trigger news) throws IOException {
        TriggerKey catchingUp = catchingUp(rule);
        if (!soon.replace(rule, catchingUp, news.getKey())) {
            return false;
        }
        boolean taken = false;
        try {
            taken = quartz(() -> scheduler.rescheduleJob(catchingUp, news)) != null;
            return taken;
        } finally {
            if (!taken) {
                // It has just begun, and sees the news.
                soon.remove(rule, news.getKey());
            }
        }
    }

    private void catchUp(String rule, Duration delay, String trigger, Duration jitter) throws IOException {
        runSoon(
                rule,
                once(rule, delay, trigger, jitter)
                        .withIdentity(catchingUp(rule))
                        .build());
    }

    private static TriggerKey catchingUp(String rule) {
        return new TriggerKey(rule, CATCHING_UP);
    }

    private TriggerBuilder<?> once(String rule, Duration delay, String trigger, Duration jitter) {
        return TriggerBuilder.newTrigger()
                .forJob(key(rule))
                .usingJobData(ReplicationJob.TRIGGER, trigger)
                .usingJobData(ReplicationJob.JITTER_MILLIS, Long.toString(jitter.toMillis()))
                .startAt(Date.from(time.clock().instant().plus(delay)))
                .withSchedule(SimpleScheduleBuilder.simpleSchedule().withMisfireHandlingInstructionFireNow());
    }

    private boolean runSoon(String rule, Trigger once) throws IOException {
        if (soon.putIfAbsent(rule, once.getKey()) != null) {
            return false;
        }
        boolean scheduled = false;
        try {
            quartz(() -> scheduler.scheduleJob(once));
            scheduled = true;
            return true;
        } finally {
            if (!scheduled) {
                soon.remove(rule, once.getKey());
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

    private void due(String rule, String trigger, long jitterMillis, TriggerKey by) {
        soon.remove(rule, by);
        if (jitterMillis > 0) {
            delay(rule, trigger, Duration.ofMillis(time.random().nextLong(jitterMillis + 1)));
            return;
        }
        if (by.getGroup().equals(DELAYED)) {
            delayed.remove(rule);
        }
        task.run(rule, trigger);
    }

    // By a trigger of its own, and not by a thread that sleeps: that would be a run in progress to Quartz.
    private void delay(String rule, String trigger, Duration delay) {
        if (!delayed.add(rule)) {
            return;
        }
        // One that fires is known until its run has ended, so the name cannot be the rule's.
        Trigger later = once(rule, delay, trigger, Duration.ZERO)
                .withIdentity(UUID.randomUUID().toString(), DELAYED)
                .build();
        try {
            quartz(() -> scheduler.scheduleJob(later));
        } catch (IOException e) {
            delayed.remove(rule);
            LOG.warn("{} does not run at its time ({}): {}", rule, trigger, e.getMessage());
        }
    }

    private static Trigger trigger(String rule, ScheduleConfig schedule, Instant from) {
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
                .startAt(Date.from(from))
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

    private interface QuartzCall<T extends @Nullable Object> {
        T call() throws SchedulerException;
    }

    private static <T extends @Nullable Object> T quartz(QuartzCall<T> call) throws IOException {
        try {
            return call.call();
        } catch (SchedulerException e) {
            throw new IOException("the scheduler failed: " + e.getMessage(), e);
        }
    }
}
