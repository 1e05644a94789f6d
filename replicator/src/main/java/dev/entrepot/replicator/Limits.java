package dev.entrepot.replicator;

import dev.entrepot.config.ByteSize;
import dev.entrepot.config.LimitsConfig;
import dev.entrepot.oci.Meter;
import java.time.Instant;
import java.time.LocalTime;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.LongStream;
import java.util.stream.Stream;

/** Reads a {@link LimitsConfig} at a moment: the first part of the day that matches counts, else what holds all day. */
final class Limits {
    // For how many seconds all that are in hand may use what there is.
    private static final int SECONDS = 20;
    // More than most manifests and lists have.
    private static final int QUESTION_BYTES = 16 * 1024;

    private Limits() {}

    /** Bytes per second; {@link Meter#NONE} if there is no limit to them at any time of day. */
    static Meter bandwidth(LimitsConfig config, Time time) {
        if (config.bandwidth().isEmpty()
                && config.hours().stream().allMatch(hours -> hours.bandwidth().isEmpty())) {
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

    /** Requests per second; {@link Meter#NONE} if there is no limit to them at any time of day. */
    static Meter requests(LimitsConfig config, Time time) {
        if (config.requestsPerSecond().isEmpty()
                && config.hours().stream()
                        .allMatch(hours -> hours.requestsPerSecond().isEmpty())) {
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
     * How many questions may be in hand at once so that none waits long for its turn, and their answers are not long
     * owed, at whatever time of day: some take many requests, one after another, and a cache waits five minutes for an
     * answer.
     *
     * @param most how many without a limit
     */
    static int atOnce(LimitsConfig config, int most) {
        LongStream byRequests = Stream.concat(
                        config.requestsPerSecond().stream(),
                        config.hours().stream().flatMap(hours -> hours.requestsPerSecond().stream()))
                .mapToLong(rate -> rate);
        LongStream byBytes = Stream.concat(
                        config.bandwidth().stream(),
                        config.hours().stream().flatMap(hours -> hours.bandwidth().stream()))
                .mapToLong(rate -> rate.bytes());
        return (int) LongStream.concat(
                        byRequests.map(rate -> SECONDS * rate),
                        byBytes.map(rate ->
                                Math.max(1, SECONDS * Math.min(rate, (long) most * QUESTION_BYTES) / QUESTION_BYTES)))
                .map(rate -> Math.min(rate, most))
                .min()
                .orElse(most);
    }

    private static Optional<LimitsConfig.Hours> hours(LimitsConfig config, Instant now) {
        LocalTime local = now.atZone(config.zone()).toLocalTime();
        return config.hours().stream().filter(hours -> hours.contains(local)).findFirst();
    }
}
