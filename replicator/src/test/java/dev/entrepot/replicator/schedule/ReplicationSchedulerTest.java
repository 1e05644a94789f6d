package dev.entrepot.replicator.schedule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.config.CronExpression;
import dev.entrepot.config.ScheduleConfig;
import dev.entrepot.replicator.Time;
import dev.entrepot.replicator.VirtualTime;
import dev.entrepot.replicator.journal.LastRuns;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.LocalDate;
import java.time.LocalTime;
import java.time.ZoneId;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;

/** When rules run. Long, because each way to be due, late or busy is one case over the same scheduler. */
class ReplicationSchedulerTest {
    private final VirtualTime sleeps = new VirtualTime();
    private final Delays delays = new Delays();
    // Quartz fires by the machine's clock.
    private final Time time = new Time(InstantSource.system(), sleeps, delays);

    /** The random delays: none at all, but the first that may be a day is one. */
    private static final class Delays implements RandomGenerator {
        private static final Duration NEVER = Duration.ofDays(1);

        private final List<Duration> longest = new CopyOnWriteArrayList<>();
        private final Semaphore asked = new Semaphore(0);

        @Override
        public long nextLong() {
            throw new UnsupportedOperationException("only delays are asked for");
        }

        @Override
        public long nextLong(long bound) {
            Duration most = Duration.ofMillis(bound - 1);
            boolean never = most.equals(NEVER) && !longest.contains(NEVER);
            longest.add(most);
            asked.release();
            return never ? bound - 1 : 0;
        }
    }

    private ReplicationScheduler scheduler(String name, RuleTask task) throws IOException {
        return ReplicationScheduler.create(name, task, time);
    }

    @Test
    void ruleRunsAtItsIntervalOnVirtualThreadsAndAfterItsJitter() throws Exception {
        CountDownLatch twice = new CountDownLatch(2);
        List<String> runs = new CopyOnWriteArrayList<>();
        try (ReplicationScheduler scheduler = scheduler("interval", (rule, trigger) -> {
            runs.add(rule + " " + trigger + " " + Thread.currentThread().isVirtual());
            twice.countDown();
        })) {
            scheduler.add(
                    "to-regions", Optional.of(new ScheduleConfig.Every(Duration.ofSeconds(1), Duration.ofSeconds(1))));
            scheduler.start();
            assertThat(twice.await(30, TimeUnit.SECONDS)).isTrue();
        }
        assertThat(runs).allMatch("to-regions schedule true"::equals);
        assertThat(delays.longest).hasSizeGreaterThanOrEqualTo(2).allMatch(Duration.ofSeconds(1)::equals);
    }

    @Test
    void runThatWaitsForTheEndOfItsRandomDelayHoldsNoThread() throws Exception {
        List<String> runs = new CopyOnWriteArrayList<>();
        CountDownLatch ran = new CountDownLatch(1);
        try (ReplicationScheduler scheduler = scheduler("delayed", (rule, trigger) -> {
            runs.add(rule + " " + trigger);
            ran.countDown();
        })) {
            scheduler.add("late", Optional.of(new ScheduleConfig.Every(Delays.NEVER, Delays.NEVER)));
            scheduler.start();
            assertThat(delays.asked.tryAcquire(30, TimeUnit.SECONDS)).isTrue();
            scheduler.add("at once", Optional.of(new ScheduleConfig.Every(Duration.ofDays(1), Duration.ofMillis(1))));
            assertThat(ran.await(30, TimeUnit.SECONDS)).isTrue();
        }
        assertThat(runs).containsExactly("at once schedule");
        assertThat(sleeps.slept()).isEmpty();
    }

    @Test
    void whatIsDueWhileARunIsDelayedIsThatRun() throws Exception {
        List<String> runs = new CopyOnWriteArrayList<>();
        CountDownLatch ran = new CountDownLatch(1);
        try (ReplicationScheduler scheduler = scheduler("delayed once", (rule, trigger) -> {
            runs.add(rule + " " + trigger);
            if (rule.equals("after it")) {
                ran.countDown();
            }
        })) {
            ScheduleConfig eachSecond =
                    new ScheduleConfig.Cron(new CronExpression("* * * * * ?"), ZoneId.of("UTC"), Delays.NEVER);
            // Caught up with at once, which waits for a day, and due within a second, which would not.
            scheduler.add("rule", Optional.of(eachSecond), ended(Instant.now().minus(Duration.ofDays(3))));
            scheduler.add("after it", Optional.empty());
            scheduler.start();
            assertThat(delays.asked.tryAcquire(2, 30, TimeUnit.SECONDS)).isTrue();
            scheduler.runSoon("after it", Duration.ofMillis(50), "test");
            assertThat(ran.await(30, TimeUnit.SECONDS)).isTrue();
        }
        assertThat(runs).containsExactly("after it test");
    }

    @Test
    void manyNotificationsAreOneRun() throws Exception {
        CountDownLatch ran = new CountDownLatch(1);
        AtomicInteger runs = new AtomicInteger();
        try (ReplicationScheduler scheduler = scheduler("debounce", (rule, trigger) -> {
            runs.incrementAndGet();
            assertThat(trigger).isEqualTo("notification");
            ran.countDown();
        })) {
            scheduler.add("rule", Optional.empty());
            scheduler.start();
            assertThat(scheduler.runSoon("rule", Duration.ofMillis(300), "notification"))
                    .isTrue();
            for (int i = 0; i < 10; i++) {
                assertThat(scheduler.runSoon("rule", Duration.ofMillis(300), "notification"))
                        .isFalse();
            }
            assertThat(ran.await(30, TimeUnit.SECONDS)).isTrue();
        }
        assertThat(runs.get()).isEqualTo(1);
    }

    @Test
    void notificationsAreOneRunAlsoWhereTheTimeOfTheRuleComesMeanwhile() throws Exception {
        CountDownLatch ran = new CountDownLatch(1);
        Duration later = Duration.ofDays(1);
        try (ReplicationScheduler scheduler = scheduler("time between", (rule, trigger) -> ran.countDown())) {
            scheduler.add("rule", Optional.of(new ScheduleConfig.Every(later, Duration.ZERO)));
            assertThat(scheduler.runSoon("rule", later, "notification")).isTrue();
            scheduler.start();
            assertThat(ran.await(30, TimeUnit.SECONDS)).isTrue();
            assertThat(scheduler.runSoon("rule", later, "notification")).isFalse();
        }
    }

    @Test
    void ruleThatCouldNotBeScheduledCanBeAskedForAgain() throws Exception {
        CountDownLatch ran = new CountDownLatch(1);
        try (ReplicationScheduler scheduler = scheduler("again", (rule, trigger) -> ran.countDown())) {
            scheduler.start();
            assertThatThrownBy(() -> scheduler.runSoon("rule", Duration.ZERO, "notification"))
                    .isInstanceOf(IOException.class);

            scheduler.add("rule", Optional.empty());
            assertThat(scheduler.runSoon("rule", Duration.ZERO, "notification")).isTrue();
            assertThat(ran.await(30, TimeUnit.SECONDS)).isTrue();
        }
    }

    @Test
    void ruleIsDueAlsoWhileARunOfItIsBusyWithOneOfItsTargets() throws Exception {
        CountDownLatch started = new CountDownLatch(1);
        CountDownLatch second = new CountDownLatch(1);
        try (ReplicationScheduler scheduler = scheduler("overlap", (rule, trigger) -> {
            if (trigger.equals("second")) {
                second.countDown();
                return;
            }
            started.countDown();
            try {
                assertThat(second.await(30, TimeUnit.SECONDS)).isTrue();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        })) {
            scheduler.add("rule", Optional.empty());
            scheduler.start();
            scheduler.runSoon("rule", Duration.ZERO, "first");
            assertThat(started.await(30, TimeUnit.SECONDS)).isTrue();
            scheduler.runSoon("rule", Duration.ZERO, "second");
            assertThat(second.await(30, TimeUnit.SECONDS)).isTrue();
        }
    }

    @Test
    void timeOfTheCalendarThatWasMissedWhileThereWasNoSchedulerIsCaughtUpOnce() throws Exception {
        ScheduleConfig nightly = new ScheduleConfig.Cron(
                new CronExpression("30 2 * * *"), ZoneId.of("Asia/Tokyo"), Duration.ofMinutes(5));
        Instant now = Instant.now();
        List<String> runs = new CopyOnWriteArrayList<>();
        CountDownLatch missed = new CountDownLatch(1);
        try (ReplicationScheduler scheduler = scheduler("missed", (rule, trigger) -> {
            runs.add(rule + " " + trigger);
            if (rule.equals("missed")) {
                missed.countDown();
            }
        })) {
            scheduler.add("missed", Optional.of(nightly), ended(now.minus(Duration.ofDays(3))));
            scheduler.add("new", Optional.of(nightly), LastRuns.NONE);
            scheduler.add("in time", Optional.of(nightly), ended(now));
            scheduler.add("never due", Optional.empty(), ended(now.minus(Duration.ofDays(3))));
            scheduler.start();
            assertThat(missed.await(30, TimeUnit.SECONDS)).isTrue();
            assertThat(scheduler.nextRun("missed")).isPresent();
        }
        assertThat(runs).containsExactly("missed schedule");
        assertThat(delays.longest).as("the random delay").containsExactly(Duration.ofMinutes(5));
    }

    @Test
    void closingInterruptsWhatRuns() throws Exception {
        CountDownLatch started = new CountDownLatch(1);
        CountDownLatch interrupted = new CountDownLatch(1);
        ReplicationScheduler scheduler = scheduler("closing", (rule, trigger) -> {
            started.countDown();
            try {
                new CountDownLatch(1).await();
            } catch (InterruptedException e) {
                interrupted.countDown();
            }
        });
        scheduler.add("rule", Optional.empty());
        scheduler.start();
        scheduler.runSoon("rule", Duration.ZERO, "test");
        assertThat(started.await(30, TimeUnit.SECONDS)).isTrue();
        scheduler.close();
        assertThat(interrupted.getCount()).isZero();
    }

    @Test
    void cronOfFiveFieldsIsReadInItsTimeZone() throws IOException {
        ZoneId zone = ZoneId.of("Asia/Tokyo");
        try (ReplicationScheduler scheduler = scheduler("cron", (rule, trigger) -> {})) {
            scheduler.add(
                    "nightly",
                    Optional.of(new ScheduleConfig.Cron(new CronExpression("30 2 * * *"), zone, Duration.ZERO)));
            Instant next = scheduler.nextRun("nightly").orElseThrow();
            assertThat(next.atZone(zone).toLocalTime()).isEqualTo(LocalTime.of(2, 30));
            assertThat(scheduler.nextRun("unknown")).isEmpty();
        }
    }

    @Test
    void quartzOwnSyntaxIsScheduledToTheSecondAndInItsTimeZone() throws Exception {
        ZoneId zone = ZoneId.of("Asia/Tokyo");
        CountDownLatch ran = new CountDownLatch(1);
        try (ReplicationScheduler scheduler = scheduler("quartz", (rule, trigger) -> {
            if (rule.equals("each second")) {
                ran.countDown();
            }
        })) {
            scheduler.add("nightly", cron("15 30 2 ? * MON-FRI", zone));
            scheduler.add("last day", cron("0 0 3 L * ?", zone));
            scheduler.add("each second", cron("* * * * * ?", zone));
            Instant next = scheduler.nextRun("nightly").orElseThrow();
            assertThat(next.atZone(zone).toLocalTime()).isEqualTo(LocalTime.of(2, 30, 15));
            LocalDate last =
                    scheduler.nextRun("last day").orElseThrow().atZone(zone).toLocalDate();
            assertThat(last.plusDays(1).getDayOfMonth()).isEqualTo(1);
            scheduler.start();
            assertThat(ran.await(30, TimeUnit.SECONDS)).isTrue();
        }
    }

    @Test
    void missedTimeInQuartzSyntaxIsCaughtUpAndTimesThatAreOverHinderNothing() throws Exception {
        Instant now = Instant.now();
        List<String> runs = new CopyOnWriteArrayList<>();
        CountDownLatch missed = new CountDownLatch(1);
        try (ReplicationScheduler scheduler = scheduler("quartz missed", (rule, trigger) -> {
            runs.add(rule + " " + trigger);
            missed.countDown();
        })) {
            ZoneId zone = ZoneId.of("Asia/Tokyo");
            scheduler.add("over", cron("0 0 0 1 1 ? 2020", zone), ended(now.minus(Duration.ofDays(3))));
            scheduler.add("missed", cron("0 30 2 * * ?", zone), ended(now.minus(Duration.ofDays(3))));
            assertThat(scheduler.nextRun("over")).isEmpty();
            scheduler.start();
            assertThat(missed.await(30, TimeUnit.SECONDS)).isTrue();
        }
        assertThat(runs).containsExactly("missed schedule");
    }

    private static LastRuns ended(Instant began) {
        return new LastRuns(Optional.of(began), 0);
    }

    private static LastRuns unfinished(int times) {
        return new LastRuns(Optional.empty(), times);
    }

    private static Optional<ScheduleConfig> every(Duration interval) {
        return Optional.of(new ScheduleConfig.Every(interval, Duration.ZERO));
    }

    @Test
    void intervalGoesOnWhereItWasAndIsCaughtUpOnceWhereItWasMissed() throws Exception {
        Instant now = Instant.now();
        List<String> runs = new CopyOnWriteArrayList<>();
        CountDownLatch ran = new CountDownLatch(2);
        try (ReplicationScheduler scheduler = scheduler("interval goes on", (rule, trigger) -> {
            runs.add(rule);
            ran.countDown();
        })) {
            Duration day = Duration.ofDays(1);
            scheduler.add("new", every(day), LastRuns.NONE);
            scheduler.add("missed thrice", every(day), ended(now.minus(Duration.ofHours(80))));
            scheduler.add("ran", every(day), ended(now.minus(Duration.ofHours(10))));
            scheduler.add("clock was set back", every(day), ended(now.plus(Duration.ofDays(99))));
            assertThat(scheduler.nextRun("ran"))
                    .contains(Instant.ofEpochMilli(now.toEpochMilli()).plus(Duration.ofHours(14)));
            assertThat(scheduler.nextRun("clock was set back").orElseThrow()).isBefore(now.plus(Duration.ofHours(25)));
            scheduler.start();
            assertThat(ran.await(30, TimeUnit.SECONDS)).isTrue();
            assertThat(scheduler.nextRun("missed thrice").orElseThrow()).isAfter(now.plus(Duration.ofHours(23)));
        }
        assertThat(runs).containsExactlyInAnyOrder("new", "missed thrice");
    }

    @Test
    void runThatCameToNoEndIsBegunAgainAndLaterEachTime() throws Exception {
        Instant now = Instant.ofEpochMilli(Instant.now().toEpochMilli());
        Time still = new Time(() -> now, sleeps, new SplittableRandom(1));
        Duration day = Duration.ofDays(1);
        try (ReplicationScheduler scheduler = ReplicationScheduler.create("again", (rule, trigger) -> {}, still)) {
            List<Duration> waits = List.of(
                    Duration.ZERO,
                    Duration.ofMinutes(1),
                    Duration.ofMinutes(2),
                    Duration.ofMinutes(4),
                    Duration.ofMinutes(8),
                    Duration.ofMinutes(16),
                    Duration.ofMinutes(32),
                    Duration.ofHours(1),
                    Duration.ofHours(1));
            for (int times = 1; times <= waits.size(); times++) {
                scheduler.add("rule " + times, every(day), unfinished(times));
                assertThat(scheduler.nextRun("rule " + times)).contains(now.plus(waits.get(times - 1)));
            }
        }
    }

    @Test
    void runOfACalendarThatCameToNoEndIsBegunAgainButNotAtOnceEachTime() throws Exception {
        List<String> runs = new CopyOnWriteArrayList<>();
        CountDownLatch ran = new CountDownLatch(1);
        try (ReplicationScheduler scheduler = scheduler("calendar again", (rule, trigger) -> {
            runs.add(rule + " " + trigger);
            ran.countDown();
        })) {
            ZoneId zone = ZoneId.of("Asia/Tokyo");
            scheduler.add("twice", cron("30 2 1 1 *", zone), unfinished(2));
            scheduler.add("once", cron("30 2 1 1 *", zone), unfinished(1));
            assertThat(scheduler.runSoon("twice", Duration.ZERO, "test"))
                    .as("it is to run already")
                    .isFalse();
            scheduler.start();
            assertThat(ran.await(30, TimeUnit.SECONDS)).isTrue();
        }
        assertThat(runs).containsExactly("once schedule");
    }

    @Test
    void whatARuleIsToRunForIsCaughtUpWithOnceWithAScheduleOrWithout() throws Exception {
        Instant now = Instant.ofEpochMilli(Instant.now().toEpochMilli());
        Time still = new Time(() -> now, sleeps, new SplittableRandom(1));
        Duration day = Duration.ofDays(1);
        Optional<String> owed = Optional.of("notification");
        List<String> runs = new CopyOnWriteArrayList<>();
        CountDownLatch ran = new CountDownLatch(3);
        try (ReplicationScheduler scheduler = scheduler("owed", (rule, trigger) -> {
            runs.add(rule + " " + trigger);
            ran.countDown();
        })) {
            scheduler.add("asked for", Optional.empty(), ended(now), owed);
            scheduler.add("not asked for", Optional.empty(), unfinished(1), Optional.empty());
            scheduler.add("brings the server down", Optional.empty(), unfinished(2), owed);
            scheduler.add("each day", every(day), ended(now), owed);
            scheduler.add("at a time", cron("30 2 1 1 *", ZoneId.of("Asia/Tokyo")), ended(now), owed);
            assertThat(scheduler.runSoon("brings the server down", Duration.ZERO, "test"))
                    .as("it is to run in a minute already")
                    .isFalse();
            scheduler.start();
            assertThat(ran.await(30, TimeUnit.SECONDS)).isTrue();
        }
        assertThat(runs).containsExactlyInAnyOrder("asked for notification", "each day schedule", "at a time schedule");
        try (ReplicationScheduler scheduler = ReplicationScheduler.create("owed", (rule, trigger) -> {}, still)) {
            scheduler.add("rule", every(day), ended(now), owed);
            assertThat(scheduler.nextRun("rule")).contains(now);
            scheduler.add("again", every(day), unfinished(2), owed);
            assertThat(scheduler.nextRun("again")).contains(now.plus(Duration.ofMinutes(1)));
        }
    }

    @Test
    void newsDoesNotWaitForTheTimeOfCatchingUp() throws Exception {
        Optional<String> owed = Optional.of("owed");
        Duration none = Duration.ZERO;
        List<String> runs = new CopyOnWriteArrayList<>();
        CountDownLatch ran = new CountDownLatch(3);
        try (ReplicationScheduler scheduler = scheduler("news", (rule, trigger) -> {
            runs.add(rule + " " + trigger);
            ran.countDown();
        })) {
            scheduler.add("without", Optional.empty(), unfinished(9), owed);
            scheduler.add("calendar", cron("30 2 1 1 *", ZoneId.of("Asia/Tokyo")), unfinished(9));
            scheduler.add("nothing owed", Optional.empty());
            for (String rule : List.of("without", "calendar", "nothing owed")) {
                assertThat(scheduler.runSoonForNews(rule, none, "news"))
                        .as(rule)
                        .isTrue();
                assertThat(scheduler.runSoonForNews(rule, none, "more news"))
                        .as(rule)
                        .isFalse();
                assertThat(scheduler.runSoon(rule, none, "request")).as(rule).isFalse();
            }
            scheduler.start();
            assertThat(ran.await(30, TimeUnit.SECONDS)).isTrue();
        }
        assertThat(runs).containsExactlyInAnyOrder("without news", "calendar news", "nothing owed news");
    }

    // Quartz' own misfires: by a clock that was behind, as that of a machine which slept.

    @Test
    void timesThatTheMachineSleptThroughAreOneRun() throws Exception {
        Instant now = Instant.now();
        Time behind = new Time(() -> now.minus(Duration.ofDays(10)), sleeps, new SplittableRandom(1));
        List<String> runs = new CopyOnWriteArrayList<>();
        CountDownLatch ran = new CountDownLatch(2);
        try (ReplicationScheduler scheduler = ReplicationScheduler.create(
                "slept",
                (rule, trigger) -> {
                    runs.add(rule);
                    ran.countDown();
                },
                behind)) {
            scheduler.add("interval", every(Duration.ofDays(1)));
            scheduler.add("calendar", cron("30 2 * * *", ZoneId.of("Asia/Tokyo")));
            assertThat(scheduler.nextRun("interval").orElseThrow()).isBefore(now.minus(Duration.ofDays(9)));
            scheduler.start();
            assertThat(ran.await(30, TimeUnit.SECONDS)).isTrue();
            assertThat(scheduler.nextRun("interval").orElseThrow()).isAfter(now);
            assertThat(scheduler.nextRun("calendar").orElseThrow()).isAfter(now);
        }
        assertThat(runs).containsExactlyInAnyOrder("interval", "calendar");
    }

    @Test
    void runsThatWaitKeepNoOtherFromItsTimeHoweverManyThereAre() throws Exception {
        int many = 100;
        CountDownLatch busy = new CountDownLatch(many);
        CountDownLatch interrupted = new CountDownLatch(many);
        CountDownLatch others = new CountDownLatch(2);
        try (ReplicationScheduler scheduler = scheduler("waiting", (rule, trigger) -> {
            if (!rule.startsWith("busy")) {
                others.countDown();
                return;
            }
            busy.countDown();
            try {
                new CountDownLatch(1).await();
            } catch (InterruptedException e) {
                interrupted.countDown();
            }
        })) {
            scheduler.start();
            for (int i = 0; i < many; i++) {
                scheduler.add("busy " + i, every(Duration.ofDays(1)));
            }
            assertThat(busy.await(30, TimeUnit.SECONDS)).isTrue();
            scheduler.add("scheduled", every(Duration.ofDays(1)));
            scheduler.add("notified", Optional.empty());
            scheduler.runSoonForNews("notified", Duration.ZERO, "notification");
            assertThat(others.await(30, TimeUnit.SECONDS)).isTrue();
        }
        assertThat(interrupted.getCount()).as("closing ends them all").isZero();
    }

    @Test
    void timesThatPassWhileAllThreadsAreBusyAreOneRun() throws Exception {
        int atOnce = 2;
        CountDownLatch busy = new CountDownLatch(atOnce);
        CountDownLatch goesOn = new CountDownLatch(1);
        CompletableFuture<Optional<Instant>> next = new CompletableFuture<>();
        AtomicReference<ReplicationScheduler> self = new AtomicReference<>();
        try (ReplicationScheduler scheduler = ReplicationScheduler.create(
                "starved",
                (rule, trigger) -> {
                    try {
                        if (rule.equals("each second")) {
                            next.complete(self.get().nextRun(rule));
                            return;
                        }
                        busy.countDown();
                        assertThat(goesOn.await(30, TimeUnit.SECONDS)).isTrue();
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    } catch (IOException e) {
                        next.completeExceptionally(e);
                    }
                },
                time,
                atOnce)) {
            self.set(scheduler);
            scheduler.start();
            for (int i = 0; i < atOnce; i++) {
                scheduler.add("busy " + i, Optional.empty());
                scheduler.runSoon("busy " + i, Duration.ZERO, "test");
            }
            assertThat(busy.await(30, TimeUnit.SECONDS)).isTrue();
            scheduler.add("each second", every(Duration.ofSeconds(1)));
            assertThat(next.isDone()).isFalse();
            Instant second = scheduler.nextRun("each second").orElseThrow().plusSeconds(1);
            assertThat(new CountDownLatch(1).await(1_200, TimeUnit.MILLISECONDS))
                    .isFalse();
            Instant free = Instant.now();
            assertThat(free).isAfter(second);
            goesOn.countDown();

            assertThat(next.get(30, TimeUnit.SECONDS).orElseThrow())
                    .as("both that were missed are one run")
                    .isAfter(free);
        }
    }

    private static Optional<ScheduleConfig> cron(String text, ZoneId zone) {
        return Optional.of(new ScheduleConfig.Cron(new CronExpression(text), zone, Duration.ZERO));
    }
}
