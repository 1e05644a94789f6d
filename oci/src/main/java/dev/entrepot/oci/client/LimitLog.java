package dev.entrepot.oci.client;

import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Says in the log when a registry is left alone because it answered 429, or has no pulls left, and when that is over: a
 * line for each, however many requests that concerns. Where what is kept is served, nobody else says so. What is over
 * shows with the first answer after it. Of one registry at most six limits are said within an hour, and no end without
 * its beginning. Times are those of its {@link SteadyClock}. Safe for all threads.
 */
final class LimitLog {
    private static final Logger LOG = LoggerFactory.getLogger(LimitLog.class);

    private final Optional<String> registry;
    private final SteadyClock clock;
    private final SixAnHour lines = new SixAnHour();
    private final Map<Limit, Begun> begun = new HashMap<>();
    private volatile boolean isAny;

    /** What is limited; of quotas, whose. */
    private record Limit(TooManyKind kind, String account) {}

    private record Begun(Instant since, Instant until, boolean isSaid) {}

    /**
     * A log.
     *
     * @param registry its name, for people; empty if nothing is to be said
     */
    LimitLog(Optional<String> registry, SteadyClock clock) {
        this.registry = registry;
        this.clock = clock;
    }

    /** A 429 has come: requests of this kind are not sent until then. */
    void held(TooManyKind kind, Instant until) {
        begins(new Limit(kind, ""), until);
    }

    /** An answer has come to a request of this kind that is no 429. Costs a look, as long as there is no limit. */
    void answered(TooManyKind kind) {
        if (isAny) {
            // One that was sent before the 429 says nothing of it.
            ends(new Limit(kind, ""), true);
        }
    }

    /**
     * An answer has shown how the quota of an account is.
     *
     * @param until when there will be pulls again, at the latest; empty if there are
     */
    void quota(String account, Optional<Instant> until) {
        Limit limit = new Limit(TooManyKind.QUOTA, account);
        if (until.isPresent()) {
            begins(limit, until.get());
        } else if (isAny) {
            ends(limit, false);
        }
    }

    private synchronized void begins(Limit limit, Instant until) {
        Instant now = clock.instant();
        if (registry.isEmpty() || !now.isBefore(until)) {
            return;
        }
        Begun before = begun.getOrDefault(limit, new Begun(now, until, false));
        boolean says = !before.isSaid() && lines.take(now);
        begun.put(limit, new Begun(before.since(), until, before.isSaid() || says));
        isAny = true;
        if (says) {
            LOG.warn(
                    "{} {} until {}{}",
                    registry.get(),
                    beginning(limit),
                    onWall(until),
                    lines.spentUntil()
                            .map(at -> "; so often within an hour that no other limit is said before " + onWall(at))
                            .orElse(""));
        }
    }

    private synchronized void ends(Limit limit, boolean onlyAfterItsTime) {
        Begun known = begun.get(limit);
        Instant now = clock.instant();
        if (known == null || onlyAfterItsTime && now.isBefore(known.until())) {
            return;
        }
        begun.remove(limit);
        isAny = !begun.isEmpty();
        if (known.isSaid()) {
            LOG.info(
                    "{} {}, after {}",
                    registry.orElse(""),
                    end(limit),
                    OutageLog.inWords(Duration.between(known.since(), now)));
        }
    }

    private static String beginning(Limit limit) {
        return switch (limit.kind()) {
            case QUOTA -> "has no pulls left for " + limit.account() + ": no manifest is fetched, at the latest";
            case RATE -> "answered 429 (rate): nothing is asked of it";
            case EGRESS -> "answered 429 (egress): no blob is asked of it";
            case TOKEN -> "has a token service that answered 429 (token): no token is asked for";
        };
    }

    private static String end(Limit limit) {
        return limit.kind() == TooManyKind.QUOTA
                ? "has pulls again for " + limit.account()
                : "answers again (" + limit.kind().label() + ")";
    }

    private Instant onWall(Instant steady) {
        return clock.onWall(steady).truncatedTo(ChronoUnit.SECONDS);
    }
}
