package dev.entrepot.config;

import dev.entrepot.oci.Digest;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/** The keys of {@code stale:}, {@code negative:} and {@code min-age:} of a rule about caching. */
final class RuleTimesKeys {
    private static final Key<StaleConfig, Optional<Duration>> RATE_LIMITED =
            stale("rate-limited", StaleConfig::rateLimited, "The upstream answers 429.");
    private static final Key<StaleConfig, Optional<Duration>> SERVER_ERROR =
            stale("server-error", StaleConfig::serverError, "The upstream answers 5xx, or with what makes no sense.");
    private static final Key<StaleConfig, Optional<Duration>> TIMEOUT = stale(
            "timeout", StaleConfig::timeout, "The upstream does not answer in time, or not within check-deadline.");
    private static final Key<StaleConfig, Optional<Duration>> UNREACHABLE =
            stale("unreachable", StaleConfig::unreachable, "The upstream cannot be connected to.");
    private static final Key<StaleConfig, Optional<Duration>> DELETED = Key.<StaleConfig, Duration>optional(
                    "deleted", Types.DURATION, StaleConfig::deleted, "The upstream answers that the thing is gone.")
            .shownDefault("0s");

    /** One time for all outages, or one for each. */
    static final ValueType<StaleConfig> STALE = new EitherType<>(
            Types.DURATION,
            StaleConfig::outages,
            stale -> stale.timeout().filter(time -> stale.equals(StaleConfig.outages(time))),
            new Section<>(
                    "times by what is wrong",
                    List.of(RATE_LIMITED, SERVER_ERROR, TIMEOUT, UNREACHABLE, DELETED),
                    values -> new StaleConfig(
                            values.get(RATE_LIMITED),
                            values.get(SERVER_ERROR),
                            values.get(TIMEOUT),
                            values.get(UNREACHABLE),
                            values.get(DELETED))));

    private static final Key<NegativeConfig, Optional<Duration>> NOT_FOUND =
            negative("not-found", NegativeConfig::notFound, "The upstream answered that the thing is not there.");
    private static final Key<NegativeConfig, Optional<Duration>> DENIED =
            negative("denied", NegativeConfig::denied, "The upstream answered 401 or 403.");
    private static final Key<NegativeConfig, Optional<Duration>> OUTAGE =
            negative("outage", NegativeConfig::outage, "The upstream gave no answer.");

    /** Times by failure. */
    static final Section<NegativeConfig> NEGATIVE = new Section<>(
            "negative",
            List.of(NOT_FOUND, DENIED, OUTAGE),
            values -> new NegativeConfig(values.get(NOT_FOUND), values.get(DENIED), values.get(OUTAGE)));

    private static final Key<MinAgeConfig, Duration> TIME =
            Key.required("time", Types.DURATION, MinAgeConfig::time, "How long; 0s for not at all.");
    private static final Key<MinAgeConfig, List<Digest>> EXCEPT_DIGESTS = Key.list(
            "except-digests",
            ListType.of(CacheRuleKeys.digest()),
            MinAgeConfig::exceptDigests,
            "Digests that are served at once.");
    private static final Key<MinAgeConfig, List<NamePattern>> EXCEPT_SIGNED = Key.list(
            "except-signed",
            ListType.of(PatternTypes.ARTIFACT_TYPE),
            MinAgeConfig::exceptSigned,
            "Artifact types: an image with a referrer of one of these is served at once. That it is there counts, not what it says.");

    /** A time, or a time with exceptions. */
    static final ValueType<MinAgeConfig> MIN_AGE = new EitherType<>(
            Types.DURATION,
            MinAgeConfig::of,
            minAge -> Optional.of(minAge.time()).filter(time -> minAge.equals(MinAgeConfig.of(time))),
            new Section<>(
                    "min-age",
                    List.of(TIME, EXCEPT_DIGESTS, EXCEPT_SIGNED),
                    values ->
                            new MinAgeConfig(values.get(TIME), values.get(EXCEPT_DIGESTS), values.get(EXCEPT_SIGNED))));

    private RuleTimesKeys() {}

    private static Key<StaleConfig, Optional<Duration>> stale(
            String name, Function<StaleConfig, Optional<Duration>> get, String doc) {
        return Key.<StaleConfig, Duration>optional(name, Types.DURATION, get, doc)
                .shownDefault("stale-for of the upstream or cache");
    }

    private static Key<NegativeConfig, Optional<Duration>> negative(
            String name, Function<NegativeConfig, Optional<Duration>> get, String doc) {
        return Key.<NegativeConfig, Duration>optional(name, Types.DURATION, get, doc)
                .shownDefault("0s");
    }
}
