package dev.entrepot.replicator;

import dev.entrepot.config.LimitsConfig;
import dev.entrepot.oci.Meter;
import dev.entrepot.oci.Pace;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * How fast each rule may run, for all its runs together: a second run for the targets that an earlier one is not busy
 * with has no second share. Bytes that are sent and bytes that are read are limited apart, each to the rule's
 * bandwidth, as lines are. Safe for all threads.
 */
final class RuleLimits {
    // Bytes are limited together, wherever they go to or come from.
    private static final String EVERYWHERE = "";

    private final Time time;
    private final Map<Use, Meter> meters = new ConcurrentHashMap<>();

    private enum Way {
        SENT,
        READ,
        REQUESTS_TO_SOURCE,
        REQUESTS_TO_TARGET
    }

    private record Use(String rule, LimitsConfig limits, Way way, String host) {}

    RuleLimits(Time time) {
        this.time = time;
    }

    /** Bytes of blobs that are sent to all targets. */
    Meter sent(ReplicationRule rule) {
        return meter(rule, Way.SENT, EVERYWHERE);
    }

    /** The pace at which the rule's source is asked and read. */
    Pace source(ReplicationRule rule) {
        return new Pace(meter(rule, Way.REQUESTS_TO_SOURCE, rule.source().name()), meter(rule, Way.READ, EVERYWHERE));
    }

    /** The pace at which a target of the rule is asked, and read where that is to be. */
    Pace target(ReplicationRule rule, String place) {
        return new Pace(meter(rule, Way.REQUESTS_TO_TARGET, place), meter(rule, Way.READ, EVERYWHERE));
    }

    private Meter meter(ReplicationRule rule, Way way, String host) {
        LimitsConfig limits = rule.limits();
        if (limits.equals(LimitsConfig.NONE)) {
            return Meter.NONE;
        }
        return meters.computeIfAbsent(new Use(rule.name(), limits, way, host), use -> switch (way) {
            case SENT, READ -> Limits.bandwidth(limits, time);
            case REQUESTS_TO_SOURCE, REQUESTS_TO_TARGET -> Limits.requests(limits, time);
        });
    }
}
