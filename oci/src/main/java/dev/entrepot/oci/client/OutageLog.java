package dev.entrepot.oci.client;

import dev.entrepot.oci.client.BreakerState.Position;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Says in the log when requests of one kind to a registry are out, and when they are answered again: a line for the
 * outage and one for its end, however many requests meet it. Where what is kept is served, nobody else says so. Of a
 * registry that comes and goes at most six outages are said within an hour; one that lasts longer than the others kept
 * the log busy is said late, and no end without its beginning. Safe for all threads.
 */
final class OutageLog {
    private static final Logger LOG = LoggerFactory.getLogger(OutageLog.class);
    private static final Duration JUST_NOW = Duration.ofSeconds(1);
    private static final Duration LONG = Duration.ofMinutes(2);

    private final String registry;
    private final OperationClass kind;
    private final String meanwhile;
    private final SteadyClock clock;
    private final CircuitBreaker breaker;
    private final SixAnHour lines = new SixAnHour();

    private volatile boolean isOut;
    private Instant since = Instant.MIN;
    private boolean isSaid;

    /**
     * A log.
     *
     * @param registry its name, for people
     * @param kind of which requests
     * @param meanwhile what clients get as long as it is out
     * @param breaker the circuit breaker of these requests
     */
    OutageLog(String registry, OperationClass kind, String meanwhile, SteadyClock clock, CircuitBreaker breaker) {
        this.registry = registry;
        this.kind = kind;
        this.meanwhile = meanwhile;
        this.clock = clock;
        this.breaker = breaker;
    }

    /**
     * The breaker has been told of an outage.
     *
     * @param why how it shows, without secrets
     */
    synchronized void failed(String why) {
        BreakerState state = breaker.state();
        if (state.position() == Position.CLOSED) {
            return;
        }
        Instant now = clock.instant();
        if (!isOut) {
            isOut = true;
            isSaid = false;
            since = breaker.failingSince().orElse(now);
        }
        if (isSaid || !lines.take(now)) {
            return;
        }
        isSaid = true;
        LOG.warn(
                "{} is out ({}){}: {}; {}{}{}",
                registry,
                kind.label(),
                Duration.between(since, now).compareTo(JUST_NOW) < 0 ? "" : " since " + onWall(since),
                why,
                meanwhile,
                state.until().map(at -> "; asked again at " + onWall(at)).orElse(""),
                lines.spentUntil()
                        .map(at -> "; so often within an hour that no other outage is said before " + onWall(at))
                        .orElse(""));
    }

    /** The breaker has been told of an answer. Costs a look, as long as there is no outage. */
    void answered() {
        if (isOut) {
            end();
        }
    }

    private synchronized void end() {
        if (!isOut || breaker.state().position() != Position.CLOSED) {
            return;
        }
        isOut = false;
        if (isSaid) {
            LOG.info(
                    "{} answers again ({}), after {}",
                    registry,
                    kind.label(),
                    inWords(Duration.between(since, clock.instant())));
        }
    }

    /** How long something took, for people: seconds, or minutes of what took two at least. */
    static String inWords(Duration time) {
        return time.compareTo(LONG) < 0 ? time.toSeconds() + " s" : time.toMinutes() + " min";
    }

    private Instant onWall(Instant steady) {
        return clock.onWall(steady).truncatedTo(ChronoUnit.SECONDS);
    }
}
