package dev.entrepot.config;

import dev.entrepot.config.LimitsConfig.Hours;
import dev.entrepot.config.ScheduleConfig.Cron;
import dev.entrepot.config.ScheduleConfig.Every;
import java.time.Duration;
import java.time.LocalTime;
import java.time.ZoneId;
import java.util.List;
import java.util.Optional;

/** The keys of {@code schedule:} and {@code limits:} of a rule. */
final class ScheduleKeys {
    private static final String EVERY_WORD = "every ";
    private static final String BRIEF_ALLOWED = "every and a time, for example every 10m, or " + CronExpression.ALLOWED;
    private static final ScalarType<ScheduleConfig> BRIEF = ScalarType.of(
            "every and a time, or a cron expression",
            BRIEF_ALLOWED,
            ScheduleKeys::parse,
            ScheduleKeys::format,
            JsonForm.text());

    private static final Key<ScheduleConfig, Optional<Duration>> EVERY = Key.optional(
            "every",
            Types.DURATION_NOT_ZERO,
            schedule -> schedule instanceof Every every ? Optional.of(every.interval()) : Optional.empty(),
            "From the start of one run to the start of the next.");
    private static final Key<ScheduleConfig, Optional<CronExpression>> CRON = Key.optional(
            "cron",
            Types.CRON,
            schedule -> schedule instanceof Cron cron ? Optional.of(cron.expression()) : Optional.empty(),
            "Five fields as in a crontab (minute, hour, day of month, month, day of week), or six or seven as Quartz has them (seconds first, perhaps the year last; ?, L, W and #).");
    private static final Key<ScheduleConfig, Optional<ZoneId>> TIME_ZONE = Key.<ScheduleConfig, ZoneId>optional(
                    "time-zone",
                    Types.ZONE,
                    schedule -> schedule instanceof Cron cron ? Optional.of(cron.zone()) : Optional.empty(),
                    "Time zone of cron.")
            .shownDefault("UTC");
    private static final Key<ScheduleConfig, Duration> JITTER = Key.withDefault(
            "jitter", Types.DURATION, "0s", ScheduleConfig::jitter, "The longest random delay of a run.");
    private static final Section<ScheduleConfig> SECTION =
            new Section<>("schedule", List.of(EVERY, CRON, TIME_ZONE, JITTER), ScheduleKeys::schedule);

    /** An interval in one line, or all the keys. */
    static final ValueType<ScheduleConfig> TYPE = new EitherType<>(
            BRIEF,
            schedule -> schedule,
            schedule -> Optional.of(schedule)
                    .filter(s -> s instanceof Every && s.jitter().isZero()),
            SECTION);

    private static final String BANDWIDTH_MEANING =
            "Bytes of content per second that are read over the network, and as many that are"
                    + " sent to all targets together; what the cache has does not count; 64KiB/s or more,"
                    + " because registries give up blobs that stand still for about a minute; unlimited without.";
    private static final String REQUESTS_MEANING =
            "Requests per second to each host, each that goes over the network, redirects and"
                    + " repetitions too; what the cache answers does not count; unlimited without.";

    private static final Key<Hours, LocalTime> FROM =
            Key.required("from", Types.TIME_OF_DAY, Hours::from, "First minute of the part of the day.");
    private static final Key<Hours, LocalTime> TO = Key.required(
            "to", Types.TIME_OF_DAY, Hours::to, "First minute after it; before from, it goes over midnight.");
    private static final Key<Hours, Optional<ByteSize>> HOURS_BANDWIDTH =
            Key.optional("bandwidth", Types.BANDWIDTH, Hours::bandwidth, BANDWIDTH_MEANING);
    private static final Key<Hours, Optional<Integer>> HOURS_REQUESTS = Key.optional(
            "requests-per-second", Types.integer(1, 1_000_000), Hours::requestsPerSecond, REQUESTS_MEANING);
    private static final Section<Hours> HOURS_SECTION = new Section<>(
            "part of the day",
            List.of(FROM, TO, HOURS_BANDWIDTH, HOURS_REQUESTS),
            values -> new Hours(
                    values.get(FROM), values.get(TO), values.get(HOURS_BANDWIDTH), values.get(HOURS_REQUESTS)));

    private static final Key<LimitsConfig, Optional<ByteSize>> BANDWIDTH =
            Key.optional("bandwidth", Types.BANDWIDTH, LimitsConfig::bandwidth, BANDWIDTH_MEANING);
    private static final Key<LimitsConfig, Optional<Integer>> REQUESTS = Key.optional(
            "requests-per-second", Types.integer(1, 1_000_000), LimitsConfig::requestsPerSecond, REQUESTS_MEANING);
    private static final Key<LimitsConfig, List<Hours>> HOURS = Key.list(
            "hours",
            ListType.of(HOURS_SECTION),
            LimitsConfig::hours,
            "Times of day with other limits in place of these; the first that matches counts.");
    private static final Key<LimitsConfig, Optional<ZoneId>> HOURS_ZONE = Key.<LimitsConfig, ZoneId>optional(
                    "time-zone",
                    Types.ZONE,
                    limits -> Optional.of(limits.zone())
                            .filter(zone -> !limits.hours().isEmpty()),
                    "Time zone of hours.")
            .shownDefault("UTC");

    static final Section<LimitsConfig> LIMITS =
            new Section<>("limits", List.of(BANDWIDTH, REQUESTS, HOURS, HOURS_ZONE), ScheduleKeys::limits);

    private ScheduleKeys() {}

    private static ScheduleConfig parse(String text) {
        if (text.startsWith(EVERY_WORD)) {
            return new Every(Durations.parse(text.substring(EVERY_WORD.length()).strip()), Duration.ZERO);
        }
        if (!CronExpression.hasFieldsOfOne(text)) {
            throw new InvalidValueException("", BRIEF_ALLOWED);
        }
        return new Cron(new CronExpression(text), LimitsConfig.UTC, Duration.ZERO);
    }

    private static String format(ScheduleConfig schedule) {
        return switch (schedule) {
            case Every every -> EVERY_WORD + Durations.format(every.interval());
            case Cron cron -> cron.expression().text();
        };
    }

    private static LimitsConfig limits(SectionValues values) {
        Optional<ZoneId> zone = values.get(HOURS_ZONE);
        if (zone.isPresent() && values.get(HOURS).isEmpty()) {
            throw new InvalidValueException(HOURS_ZONE.name(), "no time zone without hours");
        }
        return new LimitsConfig(
                values.get(BANDWIDTH), values.get(REQUESTS), values.get(HOURS), zone.orElse(LimitsConfig.UTC));
    }

    private static ScheduleConfig schedule(SectionValues values) {
        Optional<Duration> interval = values.get(EVERY);
        Optional<CronExpression> cron = values.get(CRON);
        if (interval.isPresent() == cron.isPresent()) {
            throw new InvalidValueException("", "either every or cron");
        }
        if (interval.isPresent() && values.get(TIME_ZONE).isPresent()) {
            throw new InvalidValueException("time-zone", "no time zone for an interval");
        }
        return interval.isPresent()
                ? new Every(interval.get(), values.get(JITTER))
                : new Cron(cron.orElseThrow(), values.get(TIME_ZONE).orElse(LimitsConfig.UTC), values.get(JITTER));
    }
}
