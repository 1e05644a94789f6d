package dev.entrepot.config;

import java.time.Duration;
import java.util.Optional;

/**
 * When the upstream is asked about what is kept.
 *
 * @param mode in what way
 * @param time for how long, in the modes that have a time
 */
public record FreshnessConfig(Mode mode, Optional<Duration> time) {
    /** What the text may be. */
    static final String ALLOWED =
            "always, a time, immutable, offline-first, or stale-while-revalidate and a time, for example 5m";
    /** The grammar, for editors. */
    static final String GRAMMAR =
            "always|immutable|offline-first|(stale-while-revalidate +)?(" + Durations.GRAMMAR + ")";

    private static final String REVALIDATE = "stale-while-revalidate";

    /** In what way the upstream is asked. */
    public enum Mode {
        /** At each request. */
        ALWAYS,
        /** When the time has passed since it was asked last. */
        TIME,
        /** Never again. */
        IMMUTABLE,
        /** Never before something kept is served; behind, when it is no longer fresh by the default. */
        OFFLINE_FIRST,
        /** As {@link #OFFLINE_FIRST}, but only until the time has passed; then before. */
        STALE_WHILE_REVALIDATE
    }

    /** Validates that there is a time where one is needed. */
    public FreshnessConfig {
        boolean timed = mode == Mode.TIME || mode == Mode.STALE_WHILE_REVALIDATE;
        if (timed != time.isPresent()) {
            throw new InvalidValueException("", ALLOWED);
        }
    }

    /**
     * Parses the text of the file.
     *
     * @throws InvalidValueException if it is none of the forms
     */
    public static FreshnessConfig parse(String text) {
        return switch (text) {
            case "always" -> new FreshnessConfig(Mode.ALWAYS, Optional.empty());
            case "immutable" -> new FreshnessConfig(Mode.IMMUTABLE, Optional.empty());
            case "offline-first" -> new FreshnessConfig(Mode.OFFLINE_FIRST, Optional.empty());
            default ->
                text.startsWith(REVALIDATE + " ")
                        ? new FreshnessConfig(
                                Mode.STALE_WHILE_REVALIDATE,
                                Optional.of(time(
                                        text.substring(REVALIDATE.length() + 1).strip())))
                        : new FreshnessConfig(Mode.TIME, Optional.of(time(text)));
        };
    }

    private static Duration time(String text) {
        try {
            return Durations.parse(text);
        } catch (InvalidValueException e) {
            throw new InvalidValueException("", ALLOWED);
        }
    }

    @Override
    public String toString() {
        String written = time.map(Durations::format).orElse("");
        return switch (mode) {
            case ALWAYS -> "always";
            case TIME -> written;
            case IMMUTABLE -> "immutable";
            case OFFLINE_FIRST -> "offline-first";
            case STALE_WHILE_REVALIDATE -> REVALIDATE + " " + written;
        };
    }
}
