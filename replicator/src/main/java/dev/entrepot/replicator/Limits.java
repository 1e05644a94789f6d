package dev.entrepot.replicator;

import dev.entrepot.config.ByteSize;
import dev.entrepot.config.LimitsConfig;
import dev.entrepot.oci.Meter;
import java.time.Instant;
import java.time.LocalTime;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Stream;

/** Reads a {@link LimitsConfig} at a moment: the first part of the day that matches counts, else what holds all day. */
final class Limits {
    private static final int QUESTIONS_PER_RATE = 20;

    private Limits() {}

    /** Bytes per second. */
    static Meter bandwidth(LimitsConfig config, Time time) {
        if (config.hours().isEmpty() && config.bandwidth().isEmpty()) {
            return Meter.NONE;
        }
        return new RateLimit(
                now -> hours(config, now)
                        .map(LimitsConfig.Hours::bandwidth)
                        .orElse(config.bandwidth())
                        .map(ByteSize::bytes)
                        .map(OptionalLong::of)
                        .orElse(OptionalLong.empty()),
                time);
    }

    /** Requests per second. */
    static Meter requests(LimitsConfig config, Time time) {
        if (config.hours().isEmpty() && config.requestsPerSecond().isEmpty()) {
            return Meter.NONE;
        }
        return new RateLimit(
                now -> hours(config, now)
                        .map(LimitsConfig.Hours::requestsPerSecond)
                        .orElse(config.requestsPerSecond())
                        .map(OptionalLong::of)
                        .orElse(OptionalLong.empty()),
                time);
    }

    /**
     * How many questions may be in hand at once so that none waits long for its turn, at whatever time of day: some take many requests, one after another, and a cache waits five minutes for an
     * answer.
     *
     * @param most how many without a limit
     */
    static int atOnce(LimitsConfig config, int most) {
        return Stream.concat(
                        config.requestsPerSecond().stream(),
                        config.hours().stream().flatMap(hours -> hours.requestsPerSecond().stream()))
                .mapToInt(rate -> Math.min(most, Math.multiplyExact(QUESTIONS_PER_RATE, Math.min(rate, most))))
                .min()
                .orElse(most);
    }

    private static Optional<LimitsConfig.Hours> hours(LimitsConfig config, Instant now) {
        LocalTime local = now.atZone(config.zone()).toLocalTime();
        return config.hours().stream().filter(hours -> hours.contains(local)).findFirst();
    }
}
