package dev.entrepot.config;

import java.time.LocalTime;
import java.time.ZoneId;
import java.util.List;
import java.util.Optional;

/**
 * How fast a rule runs. What is not given is not limited.
 *
 * @param bandwidth bytes per second that are read, and as many that are sent
 * @param requestsPerSecond requests per second over the network to each host
 * @param hours times of day with other limits; the first that matches counts
 * @param zone the time zone of {@code hours}
 */
public record LimitsConfig(
        Optional<ByteSize> bandwidth, Optional<Integer> requestsPerSecond, List<Hours> hours, ZoneId zone) {
    /** The time zone where none is named. */
    static final ZoneId UTC = ZoneId.of("UTC");
    /** No limits. */
    public static final LimitsConfig NONE = new LimitsConfig(Optional.empty(), Optional.empty(), List.of(), UTC);

    /** Copies the list and validates that no limit stops everything. */
    public LimitsConfig {
        hours = List.copyOf(hours);
        check(bandwidth, requestsPerSecond);
    }

    private static void check(Optional<ByteSize> bandwidth, Optional<Integer> requestsPerSecond) {
        bandwidth.ifPresent(value -> Checks.positive("bandwidth", value));
        requestsPerSecond.ifPresent(value -> Checks.between("requests-per-second", value, 1, 1_000_000));
    }

    /**
     * Other limits for a part of the day.
     *
     * @param from first minute of the part
     * @param to first minute after the part; a part that ends before it starts goes over midnight
     * @param bandwidth bytes per second; unlimited without
     * @param requestsPerSecond requests per second to each host; unlimited without
     */
    public record Hours(
            LocalTime from, LocalTime to, Optional<ByteSize> bandwidth, Optional<Integer> requestsPerSecond) {
        /** Validates that the part of the day is not empty and that no limit stops everything. */
        public Hours {
            if (from.equals(to)) {
                throw new InvalidValueException("to", "a time other than from");
            }
            check(bandwidth, requestsPerSecond);
        }

        /** Whether a time of day is in this part. */
        public boolean contains(LocalTime time) {
            boolean afterStart = !time.isBefore(from);
            boolean beforeEnd = time.isBefore(to);
            return from.isBefore(to) ? afterStart && beforeEnd : afterStart || beforeEnd;
        }
    }
}
