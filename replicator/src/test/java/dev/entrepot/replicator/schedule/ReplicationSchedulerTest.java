package dev.entrepot.replicator.schedule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.config.CronExpression;
import dev.entrepot.config.ScheduleConfig;
import dev.entrepot.replicator.Time;
import dev.entrepot.replicator.VirtualTime;
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
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class ReplicationSchedulerTest {
    private final VirtualTime sleeps = new VirtualTime();
    // Quartz fires by the machine's clock; the random delay is virtual.
    private final Time time = new Time(InstantSource.system(), sleeps, new SplittableRandom(1));

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
        assertThat(sleeps.slept()).isNotEmpty().allMatch(slept -> slept.compareTo(Duration.ofSeconds(1)) <= 0);
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
            scheduler.add("missed", Optional.of(nightly), Optional.of(now.minus(Duration.ofDays(3))));
            scheduler.add("new", Optional.of(nightly), Optional.empty());
            scheduler.add("in time", Optional.of(nightly), Optional.of(now));
            scheduler.add("never due", Optional.empty(), Optional.of(now.minus(Duration.ofDays(3))));
            scheduler.start();
            assertThat(missed.await(30, TimeUnit.SECONDS)).isTrue();
            assertThat(scheduler.nextRun("missed")).isPresent();
        }
        assertThat(runs).containsExactly("missed schedule");
        assertThat(sleeps.slept()).as("the random delay").hasSize(1);
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
            scheduler.add("over", cron("0 0 0 1 1 ? 2020", zone), Optional.of(now.minus(Duration.ofDays(3))));
            scheduler.add("missed", cron("0 30 2 * * ?", zone), Optional.of(now.minus(Duration.ofDays(3))));
            assertThat(scheduler.nextRun("over")).isEmpty();
            scheduler.start();
            assertThat(missed.await(30, TimeUnit.SECONDS)).isTrue();
        }
        assertThat(runs).containsExactly("missed schedule");
    }

    private static Optional<ScheduleConfig> cron(String text, ZoneId zone) {
        return Optional.of(new ScheduleConfig.Cron(new CronExpression(text), zone, Duration.ZERO));
    }
}
