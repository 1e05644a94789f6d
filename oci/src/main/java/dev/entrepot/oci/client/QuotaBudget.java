package dev.entrepot.oci.client;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;

/**
 * What is left of one account's pulls at a registry, as its answers say, and whether a request that costs one may go.
 * Requests under way count as spent. What answers said is forgotten when the window has passed that they were for;
 * then, if nothing was left, one request at a time shows whether the window has moved. Safe for all threads.
 */
final class QuotaBudget {
    private static final Duration BETWEEN_LOOKS = Duration.ofMinutes(1);
    private static final Duration WITHOUT_WINDOW = Duration.ofMinutes(1);
    private static final Duration WITHOUT_RETRY_AFTER = Duration.ofMinutes(1);
    private static final Duration ONE_AT_A_TIME = Duration.ofSeconds(5);

    private final String account;
    private final QuotaReserve reserve;
    private final Clock clock;
    private final UsageRate rate;
    private Optional<Known> known = Optional.empty();
    private Instant notBefore = Instant.MIN;
    private Instant lookedAt = Instant.MIN;
    private boolean refused;
    private boolean oneAtATime;
    private int underWay;
    private long sent;
    private long heard;
    private long answered;

    /** What the registry said last. Nothing was left from {@code zeroSince} on. */
    private record Known(
            long limit,
            long remaining,
            Optional<Duration> window,
            Optional<Instant> reset,
            Optional<String> source,
            Instant seenAt,
            Optional<Instant> zeroSince) {
        Instant movesAt() {
            return reset.orElseGet(() -> zeroSince.orElse(seenAt).plus(window.orElse(WITHOUT_WINDOW)));
        }
    }

    /** Whether a request that costs a pull may go. */
    sealed interface Verdict {
        /** It may, and is counted until {@link #heard} or {@link #failed}. */
        record Go() implements Verdict {}

        /** Not as it stands, but what is known is old: a request that costs nothing is to be sent first. */
        record Look() implements Verdict {}

        /** It may not, until then at the latest. Of the limit, where it is known, so many are left. */
        record Stop(Instant until, OptionalLong limit, OptionalLong remaining) implements Verdict {}
    }

    QuotaBudget(String account, QuotaReserve reserve, Clock clock) {
        this.account = account;
        this.reserve = reserve;
        this.clock = clock;
        this.rate = new UsageRate(clock.instant());
    }

    /** Asks for a pull. */
    synchronized Verdict ask(Priority priority) {
        Instant now = clock.instant();
        Optional<Verdict.Stop> bar = bar(now, priority == Priority.BACKGROUND);
        if (bar.isEmpty()) {
            underWay++;
            return new Verdict.Go();
        }
        return looks(now) ? new Verdict.Look() : bar.get();
    }

    // The one rule for whether a pull may be made: who asks for one, who asks whether one had better not be, and who
    // asks what one would be answered go by it.
    private Optional<Verdict.Stop> bar(Instant now, boolean sparesTheReserve) {
        forgetWhatHasPassed(now);
        if (now.isBefore(notBefore)) {
            return Optional.of(stop(later(notBefore, known.map(Known::movesAt))));
        }
        if (oneAtATime && underWay > 0) {
            return Optional.of(stop(now.plus(ONE_AT_A_TIME)));
        }
        return known.filter(last -> last.remaining() - underWay <= (sparesTheReserve ? reserve.of(last.limit()) : 0))
                .map(last -> stop(last.movesAt()));
    }

    /**
     * Why a pull had better wait for which something that is kept can stand in: no more than the reserve is left. Empty
     * if more is, or nothing.
     */
    synchronized Optional<Verdict.Stop> reserved() {
        Instant now = clock.instant();
        return bar(now, false).isPresent() ? Optional.empty() : bar(now, true);
    }

    /** Why no pull can be made now: one that {@link #ask}s would be stopped. Empty if one may be. */
    synchronized Optional<Verdict.Stop> spent() {
        return bar(clock.instant(), false);
    }

    /**
     * Whether a request for a manifest that costs nothing, and that somebody sends anyway, is the look that is due;
     * after its answer, {@link #sawNothing} is to be called.
     */
    synchronized boolean looks() {
        Instant now = clock.instant();
        return bar(now, false).isPresent() && looks(now);
    }

    // What is known is old, and nothing else stands in the way.
    private boolean looks(Instant now) {
        boolean due = !now.isBefore(notBefore)
                && !(oneAtATime && underWay > 0)
                && known.filter(last -> !now.isBefore(last.seenAt().plus(BETWEEN_LOOKS)))
                        .isPresent()
                && (lookedAt.equals(Instant.MIN) || !now.isBefore(lookedAt.plus(BETWEEN_LOOKS)));
        if (due) {
            lookedAt = now;
        }
        return due;
    }

    private Verdict.Stop stop(Instant until) {
        return new Verdict.Stop(
                until,
                number(known.map(Known::limit)),
                number(known.map(last -> Math.max(0, last.remaining() - underWay))));
    }

    private static OptionalLong number(Optional<Long> value) {
        return value.map(OptionalLong::of).orElse(OptionalLong.empty());
    }

    private static Instant later(Instant one, Optional<Instant> other) {
        return other.filter(one::isBefore).orElse(one);
    }

    private void forgetWhatHasPassed(Instant now) {
        if (known.isPresent() && !now.isBefore(known.get().movesAt())) {
            oneAtATime |= known.get().remaining() == 0;
            known = Optional.empty();
        }
    }

    /** A request that was let go has failed. */
    synchronized void failed() {
        underWay--;
    }

    /**
     * A request that is about to be sent.
     *
     * @param number the how manieth of all it is
     * @param answered how many of those that cost a pull had been answered by then
     */
    record Numbered(long number, long answered) {}

    /** Numbers a request, of any kind, that is about to be sent. */
    synchronized Numbered number() {
        return new Numbered(++sent, answered);
    }

    /**
     * Takes note of what an answer says. Answers may overtake each other: an older request's cannot say that there is
     * more again, and any may have been written before pulls were counted that were answered while it was under way.
     *
     * @param wasLetGo whether it answers a request that {@link #ask} has let go
     */
    synchronized void heard(Numbered request, QuotaHeaders headers, boolean wasLetGo) {
        underWay -= wasLetGo ? 1 : 0;
        hear(request.number(), answered - request.answered(), headers);
        answered += wasLetGo ? 1 : 0;
    }

    private void hear(long number, long answeredMeanwhile, QuotaHeaders headers) {
        OptionalLong limit = headers.limit().isPresent() ? headers.limit() : number(known.map(Known::limit));
        if (limit.isEmpty() || headers.remaining().isEmpty()) {
            return;
        }
        long said = Math.min(headers.remaining().getAsLong(), limit.getAsLong());
        long remaining = known.filter(last -> last.remaining() < said)
                .map(last -> Math.max(last.remaining(), said - answeredMeanwhile))
                .orElse(said);
        if (number < heard && known.filter(last -> last.remaining() < remaining).isPresent()) {
            return;
        }
        Instant now = clock.instant();
        known.ifPresent(last -> rate.used(Math.max(0, last.remaining() - remaining), now));
        remember(number, limit.getAsLong(), remaining, headers, now);
        if (remaining > 0) {
            notBefore = Instant.MIN;
            oneAtATime = false;
            refused = false;
        }
    }

    private void remember(long number, long limit, long remaining, QuotaHeaders headers, Instant now) {
        heard = Math.max(heard, number);
        known = Optional.of(new Known(
                limit,
                remaining,
                headers.window().or(() -> known.flatMap(Known::window)),
                headers.reset(),
                headers.source().or(() -> known.flatMap(Known::source)),
                now,
                remaining > 0
                        ? Optional.empty()
                        : known.flatMap(Known::zeroSince).or(() -> Optional.of(now))));
    }

    /**
     * Takes note of an answer that the quota is used up.
     *
     * @param retryAfter how long the registry asks to be left alone
     */
    synchronized void exceeded(Numbered request, QuotaHeaders headers, Optional<Duration> retryAfter) {
        Instant now = clock.instant();
        OptionalLong limit = headers.limit().isPresent() ? headers.limit() : number(known.map(Known::limit));
        if (limit.isPresent()) {
            remember(request.number(), limit.getAsLong(), 0, headers, now);
        }
        oneAtATime |= limit.isEmpty();
        refused = true;
        notBefore = now.plus(Holds.bounded(retryAfter.orElse(WITHOUT_RETRY_AFTER)));
    }

    /**
     * A request that costs nothing has been answered and did not say what is left: after a refusal has passed, one that
     * costs may show it.
     */
    synchronized void sawNothing() {
        if (refused && known.filter(last -> last.seenAt().isBefore(lookedAt)).isPresent()) {
            known = Optional.empty();
            oneAtATime = true;
        }
    }

    /** A request that costs was answered well. */
    synchronized void succeeded() {
        oneAtATime = false;
        refused = false;
    }

    /** Whether the registry ever said that there is a quota. */
    synchronized boolean isKnown() {
        return known.isPresent() || heard > 0;
    }

    /** Until when, at the latest, no manifest is fetched for anybody; empty if one may be, as far as is known. */
    synchronized Optional<Instant> stoppedUntil() {
        Instant now = clock.instant();
        forgetWhatHasPassed(now);
        return stoppedUntil(now);
    }

    private Optional<Instant> stoppedUntil(Instant now) {
        boolean held = now.isBefore(notBefore);
        boolean none = known.filter(last -> last.remaining() == 0).isPresent();
        return held || none ? Optional.of(later(held ? notBefore : now, known.map(Known::movesAt))) : Optional.empty();
    }

    /** Whose it is. */
    String account() {
        return account;
    }

    /** What is known now; empty if nothing is. */
    synchronized Optional<QuotaState> state() {
        Instant now = clock.instant();
        forgetWhatHasPassed(now);
        Optional<Instant> until = stoppedUntil(now);
        if (known.isEmpty() && until.isEmpty()) {
            return Optional.empty();
        }
        return Optional.of(new QuotaState(
                account,
                number(known.map(Known::limit)),
                number(known.map(Known::remaining)),
                number(known.map(last -> reserve.of(last.limit()))),
                known.flatMap(Known::window),
                known.flatMap(Known::reset),
                known.flatMap(Known::source),
                known.map(Known::seenAt),
                until,
                known.map(last -> forecast(last, now)).orElseGet(Forecast.Unknown::new)));
    }

    private Forecast forecast(Known last, Instant now) {
        if (last.remaining() == 0) {
            return new Forecast.UsedUp(last.zeroSince().orElse(now));
        }
        OptionalDouble perSecond = rate.perSecond(now);
        if (perSecond.isEmpty()) {
            return new Forecast.Unknown();
        }
        double inWindow =
                perSecond.getAsDouble() * last.window().orElse(WITHOUT_WINDOW).toSeconds();
        double seconds = last.remaining() / Math.max(perSecond.getAsDouble(), 1e-9);
        Instant end =
                now.plusSeconds((long) Math.min(seconds, Duration.ofDays(365).toSeconds()));
        boolean lasts =
                inWindow <= last.limit() || last.reset().filter(end::isAfter).isPresent();
        return lasts ? new Forecast.Lasts() : new Forecast.UsedUp(end);
    }
}
