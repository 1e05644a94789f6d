package dev.entrepot.replicator;

import dev.entrepot.config.ByteSize;
import dev.entrepot.config.LimitsConfig;
import java.time.Instant;
import java.time.LocalTime;
import java.util.Optional;
import java.util.OptionalLong;

/** Reads a {@link LimitsConfig} at a moment: the first part of the day that matches counts, else what holds all day. */
final class Limits {
    private Limits() {}

    /** Bytes per second. */
    static RateLimit bandwidth(LimitsConfig config, Time time) {
        if (config.hours().isEmpty() && config.bandwidth().isEmpty()) {
            return RateLimit.none(time);
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
    static RateLimit requests(LimitsConfig config, Time time) {
        if (config.hours().isEmpty() && config.requestsPerSecond().isEmpty()) {
            return RateLimit.none(time);
        }
        return new RateLimit(
                now -> hours(config, now)
                        .map(LimitsConfig.Hours::requestsPerSecond)
                        .orElse(config.requestsPerSecond())
                        .map(OptionalLong::of)
                        .orElse(OptionalLong.empty()),
                time);
    }

    private static Optional<LimitsConfig.Hours> hours(LimitsConfig config, Instant now) {
        LocalTime local = now.atZone(config.zone()).toLocalTime();
        return config.hours().stream().filter(hours -> hours.contains(local)).findFirst();
    }
}
