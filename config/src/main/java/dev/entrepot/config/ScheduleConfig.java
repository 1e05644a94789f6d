package dev.entrepot.config;

import java.time.Duration;
import java.time.ZoneId;

/** When a rule runs. */
public sealed interface ScheduleConfig {
    /** The longest random delay of a run. */
    Duration jitter();

    /**
     * At an interval.
     *
     * @param interval from start to start, at least a second
     * @param jitter the longest random delay of a run, no more than the interval
     */
    record Every(Duration interval, Duration jitter) implements ScheduleConfig {
        /** Validates the times. */
        public Every {
            if (interval.compareTo(Duration.ofSeconds(1)) < 0) {
                throw new InvalidValueException("every", "an interval of at least 1s");
            }
            Checks.notNegative("jitter", jitter);
            if (jitter.compareTo(interval) > 0) {
                throw new InvalidValueException("jitter", "a time no longer than the interval");
            }
        }
    }

    /**
     * At times of the calendar.
     *
     * @param expression the times
     * @param zone the time zone that they are in
     * @param jitter the longest random delay of a run
     */
    record Cron(CronExpression expression, ZoneId zone, Duration jitter) implements ScheduleConfig {
        /** Validates the jitter. */
        public Cron {
            Checks.notNegative("jitter", jitter);
        }
    }
}
