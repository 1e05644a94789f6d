package dev.entrepot.replicator;

import dev.entrepot.oci.Meter;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.time.Instant;
import java.util.OptionalLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;

/**
 * A token bucket whose rate may depend on the time of day. Up to one second's worth may be taken at once after a rest.
 * Whoever takes more than there is goes into debt and the next one waits. Who waits gets his turn in the order of
 * coming, and takes a second's worth in a turn, so that nobody waits long behind one who takes much. A debt is one of
 * units and not of time, so that it is paid at whatever rate holds while it is paid. Safe for all threads.
 *
 * <p>What is only counted may be any number. More than two minutes' worth of it is never owed, which is far less than
 * anybody waits for anything; what is beyond that is forgiven, by the rate of the hour in which it is counted, and by
 * the next one's when that has come.
 */
final class RateLimit implements Meter {
    // A pause is cut here so that a change of the rate is noticed.
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(30);
    private static final int LONGEST_DEBT_SECONDS = 120;
    private static final double NANOS_PER_SECOND = 1e9;
    // What is lost in rounding is no debt.
    private static final double NEARLY_NOTHING = 1e-6;

    private final Function<Instant, OptionalLong> perSecond;
    private final Time time;
    // Held by the one whose turn is next while he waits for time to pass, and for nothing else.
    private final ReentrantLock turn = new ReentrantLock(true);
    private double left = Double.MAX_VALUE;
    /** The rate at which what is owed was counted. */
    private OptionalLong owedAt = OptionalLong.empty();

    private long paidAtNanos;

    /** With a rate for each moment; empty is unlimited. */
    RateLimit(Function<Instant, OptionalLong> perSecond, Time time) {
        this.perSecond = perSecond;
        this.time = time;
        this.paidAtNanos = time.nanoTime().getAsLong();
    }

    @Override
    public void take(long units) throws InterruptedIOException {
        long open = units;
        do {
            open -= takeInTurn(open);
        } while (open > 0);
    }

    private long takeInTurn(long units) throws InterruptedIOException {
        try {
            turn.lockInterruptibly();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while others wait for what is limited");
        }
        try {
            while (true) {
                Duration wait = untilPaid();
                if (wait.isZero()) {
                    return takeNow(units);
                }
                time.pause(wait.compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : wait);
            }
        } finally {
            turn.unlock();
        }
    }

    @Override
    public synchronized void count(long units) {
        OptionalLong rate = rate();
        if (rate.isPresent()) {
            double most = -(double) LONGEST_DEBT_SECONDS * rate.getAsLong();
            left = Math.max(left - units, Math.min(left, most));
        }
    }

    @Override
    public boolean limitsNow() {
        return perSecond.apply(time.clock().instant()).isPresent();
    }

    private synchronized Duration untilPaid() {
        OptionalLong rate = rate();
        return rate.isPresent() && left < -NEARLY_NOTHING
                ? Duration.ofNanos((long) Math.ceil(-left / rate.getAsLong() * NANOS_PER_SECOND))
                : Duration.ZERO;
    }

    private synchronized long takeNow(long units) {
        OptionalLong rate = rate();
        long piece = Math.min(units, rate.orElse(units));
        if (rate.isPresent()) {
            left -= piece;
        }
        return piece;
    }

    // What has come since the last time, at the rate that holds now; where there is none, all debts are forgiven.
    private OptionalLong rate() {
        long now = time.nanoTime().getAsLong();
        OptionalLong rate = perSecond.apply(time.clock().instant());
        forgiveAtChange(rate);
        double come = rate.isEmpty()
                ? Double.MAX_VALUE
                : Math.max(0, now - paidAtNanos) / NANOS_PER_SECOND * rate.getAsLong();
        left = rate.isEmpty() ? Double.MAX_VALUE : Math.min(left + come, rate.getAsLong());
        paidAtNanos = now;
        return rate;
    }

    // What was counted at a faster hour is bounded by the slower one's two minutes; what was taken, a second's worth at
    // most, is paid.
    private void forgiveAtChange(OptionalLong rate) {
        if (rate.isPresent() && owedAt.isPresent() && !rate.equals(owedAt)) {
            left = Math.max(left, -Math.max((double) LONGEST_DEBT_SECONDS * rate.getAsLong(), owedAt.getAsLong()));
        }
        owedAt = rate;
    }
}
