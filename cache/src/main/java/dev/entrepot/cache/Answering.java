package dev.entrepot.cache;

import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.RefusedException;
import dev.entrepot.oci.RegistryException;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.UnauthorizedException;
import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * How questions to upstreams are answered: from what is kept, by asking, or with a failure that is remembered, as a
 * {@link Judgement} has it. Each question has one call under way at most, which belongs to no client. Thread-safe.
 */
final class Answering {
    /**
     * How long who asks behind clients waits at most where something is kept that may be served instead. The only one
     * who does, an export through a server ({@link Readers#BEHIND}), reads with a time-out of 60 s, and would ask anew
     * then, and fail after a few times: it is given what is kept a while before that.
     */
    static final Duration LONGEST_BEHIND = Duration.ofSeconds(45);

    private final SharedCalls<Question, Object> calls;
    private final NegativeAnswers negative;
    private final RuleCounters counters;
    private final Clock clock;
    private final Instant start;
    private final SilentUpstreams silent = new SilentUpstreams();

    Answering(SharedCalls<Question, Object> calls, NegativeAnswers negative, RuleCounters counters, Clock clock) {
        this.calls = calls;
        this.negative = negative;
        this.counters = counters;
        this.clock = clock;
        this.start = clock.instant();
    }

    /** Asks an upstream. */
    interface Asking<T> extends SharedCalls.Work<Answer<T>> {}

    /** The settings, applied now. */
    Judgement judge(CacheSettings settings) {
        return new Judgement(settings, Moment.of(clock, start));
    }

    /**
     * Answers a question about something that changes.
     *
     * @param question what is asked, of which repository; the key under which calls are shared and failures remembered
     * @param outage how questions to the upstream fail at present, as far as is known
     * @param kept what is kept; found again after a failure
     * @param ask asks the upstream and keeps what it says
     * @param forget lets go of what is kept, because the upstream denies it in this way; what is served before anybody
     *     is asked is kept if the upstream only refuses us: our rights may have ended, and not the thing
     */
    <T> Answer<T> answer(
            Question question,
            CacheSettings settings,
            Supplier<Optional<OutageException>> outage,
            Judgement.Window window,
            Supplier<Optional<Kept<T>>> kept,
            Asking<T> ask,
            Consumer<RegistryException> forget)
            throws IOException {
        return answerOr(question, settings, outage, window, kept, ask, forget, Optional.empty());
    }

    /**
     * As above, where something else may be served in place of an answer that takes too long, if nothing is kept. Who
     * asks decides whether it is served in place of a failure, too.
     *
     * @param standIn what else may be served
     */
    <T> Answer<T> answerOr(
            Question question,
            CacheSettings settings,
            Supplier<Optional<OutageException>> outage,
            Judgement.Window window,
            Supplier<Optional<Kept<T>>> kept,
            Asking<T> ask,
            Consumer<RegistryException> forget,
            Optional<Kept<T>> standIn)
            throws IOException {
        Optional<Kept<T>> now = kept.get();
        Judgement judgement = judge(settings);
        Asking<T> check = () -> check(question, settings, window, kept, ask, forget);
        return switch (judgement.step(window, now.map(Kept::confirmedAt))) {
            case SERVE -> judgement.hit(now.orElseThrow());
            case SERVE_AND_CHECK -> {
                counters.count(RuleEvent.BEHIND);
                calls.begin(question, check::run);
                yield judgement.hit(now.orElseThrow());
            }
            case ASK -> {
                Optional<Kept<T>> instead = now.or(() -> standIn);
                Optional<Answer<T>> insteadOfWaiting = instead.flatMap(judgement::inPlaceOfWaiting);
                yield insteadOfWaiting.isEmpty()
                        ? share(question, check)
                        : wait(question, judgement, instead.get(), insteadOfWaiting.get(), check, outage);
            }
        };
    }

    // Once it is known how the upstream fails, that decides what may be served, and not that it takes long.
    private <T> Answer<T> wait(
            Question question,
            Judgement judgement,
            Kept<T> kept,
            Answer<T> insteadOfWaiting,
            Asking<T> check,
            Supplier<Optional<OutageException>> outage)
            throws IOException {
        Optional<Answer<T>> atOnce = whileOut(judgement, kept, outage);
        if (atOnce.isPresent()) {
            return atOnce.get();
        }
        Duration deadline = judgement.settings().checkDeadline();
        Optional<SharedCalls.Outcome<Object>> inTime = calls.call(
                question, check::run, call -> silent.left(question, call, calls.nanoTime(), deadline, LONGEST_BEHIND));
        if (inTime.isPresent()) {
            return outcome(inTime.get());
        }
        Optional<OutageException> known = outage.get();
        Optional<Answer<T>> stale =
                known.isEmpty() ? Optional.of(insteadOfWaiting) : judgement.inPlaceOf(known.get(), kept);
        if (stale.isEmpty()) {
            return share(question, check);
        }
        counters.served(known.map(StaleCause::of).orElse(StaleCause.TIMEOUT));
        return stale.get();
    }

    // While nothing is sent to the upstream but a request that shows whether it is back, only who sends that waits.
    private <T> Optional<Answer<T>> whileOut(
            Judgement judgement, Kept<T> kept, Supplier<Optional<OutageException>> outage) {
        Optional<OutageException> out =
                outage.get().filter(known -> known.reason() == OutageException.Reason.NOT_ASKED);
        Optional<Answer<T>> stale = out.flatMap(known -> judgement.inPlaceOf(known, kept));
        if (stale.isPresent()) {
            counters.served(StaleCause.of(out.orElseThrow()));
        }
        return stale;
    }

    /**
     * Runs a call for a question, or joins the one under way. Somebody in the background may have begun that one, and
     * may not use the quota that is left: after such a failure the question is asked once more.
     */
    <T> Answer<T> share(Question question, Asking<T> call) throws IOException {
        try {
            return outcome(calls.call(question, call::run));
        } catch (OutageException e) {
            if (e.reason() != OutageException.Reason.QUOTA) {
                throw e;
            }
            return outcome(calls.call(question, call::run));
        }
    }

    /**
     * As {@link #share}, where nothing is kept that could be served in place of a failure; a failure that is remembered
     * is answered with.
     */
    <T> Answer<T> shareRemembering(Question question, CacheSettings settings, Asking<T> call) throws IOException {
        return share(question, remembering(question, settings, call));
    }

    private <T> Asking<T> remembering(Question question, CacheSettings settings, Asking<T> call) {
        return () -> check(question, settings, Judgement.Window.ALWAYS_ASK, Optional::empty, call, _ -> {});
    }

    /**
     * As {@link #shareRemembering}, where something else may be served in place of a failure, or of an answer that
     * takes too long: that of this caller, and not of the others who wait for the same.
     *
     * @param outage how questions to the upstream fail at present, as far as is known
     * @param standIn what else may be served
     */
    <T> Answer<T> shareOr(
            Question question,
            CacheSettings settings,
            Supplier<Optional<OutageException>> outage,
            Optional<Kept<T>> standIn,
            Asking<T> call)
            throws IOException {
        Judgement judgement = judge(settings);
        Asking<T> check = remembering(question, settings, call);
        Optional<Answer<T>> insteadOfWaiting = standIn.flatMap(judgement::inPlaceOfWaiting);
        try {
            return insteadOfWaiting.isEmpty()
                    ? share(question, check)
                    : wait(question, judgement, standIn.orElseThrow(), insteadOfWaiting.get(), check, outage);
        } catch (RegistryException e) {
            return standIn.flatMap(kept -> inPlaceOf(e, settings, kept)).orElseThrow(() -> e);
        }
    }

    /** What is kept, in place of a failure, if it may be served; it counts as served. */
    <T> Optional<Answer<T>> inPlaceOf(RegistryException failure, CacheSettings settings, Kept<T> kept) {
        Optional<Answer<T>> stale = judge(settings).inPlaceOf(failure, kept);
        if (stale.isPresent()) {
            Judgement.cause(failure).ifPresent(counters::served);
        }
        return stale;
    }

    /** Throws the failure that is remembered for a question, if there is one. */
    void refuseRemembered(Question question, CacheSettings settings) throws RegistryException {
        Optional<RegistryException> remembered = negative.of(question, settings);
        if (remembered.isPresent()) {
            counters.count(RuleEvent.NEGATIVE);
            throw remembered.get();
        }
    }

    /** Remembers a failure, if the settings say so. */
    void remember(Question question, RegistryException failure, CacheSettings settings) {
        negative.remember(question, failure, settings);
    }

    /** Forgets a failure that is remembered for a question: another question has shown that it is so no longer. */
    void refuted(Question question) {
        negative.forget(question);
    }

    /** The failure that is remembered for a question. */
    Optional<RegistryException> remembered(Question question, CacheSettings settings) {
        return negative.of(question, settings);
    }

    /**
     * Until when the failure that is remembered for a question is answered with, and nobody asked; empty if there is
     * none.
     */
    Optional<Instant> rememberedUntil(Question question, CacheSettings settings) {
        return negative.until(question, settings);
    }

    private <T> Answer<T> check(
            Question question,
            CacheSettings settings,
            Judgement.Window window,
            Supplier<Optional<Kept<T>>> kept,
            Asking<T> ask,
            Consumer<RegistryException> forget)
            throws IOException {
        Optional<RegistryException> remembered = negative.of(question, settings);
        long askedNanos = calls.nanoTime();
        try {
            if (remembered.isPresent()) {
                counters.count(RuleEvent.NEGATIVE);
                throw remembered.get();
            }
            Answer<T> answer = ask.run();
            silent.answered(question, calls.nanoTime());
            negative.forget(question);
            return answer;
        } catch (RefusedException e) {
            silent.answered(question, calls.nanoTime());
            throw e;
        } catch (NotFoundException | UnauthorizedException | OutageException | InvalidContentException e) {
            if (remembered.isEmpty()) {
                silent.failed(question, e, askedNanos, calls.nanoTime(), settings.checkDeadline());
                negative.remember(question, e, settings);
            }
            Optional<Kept<T>> now = kept.get();
            Optional<Answer<T>> stale = now.flatMap(found -> inPlaceOf(e, settings, found));
            if (stale.isPresent()) {
                return stale.get();
            }
            boolean servedUnasked = judge(settings).step(window, now.map(Kept::confirmedAt)) != Judgement.Step.ASK;
            // What is only remembered was heeded when it was heard; something else may have been answered since.
            boolean denied = e instanceof NotFoundException || e instanceof UnauthorizedException && !servedUnasked;
            if (denied && remembered.isEmpty()) {
                // An answer: what is denied now must not come back in the next outage.
                forget.accept(e);
            }
            throw e;
        }
    }

    /**
     * Notes that an upstream has just answered something about manifests, tags or lists, if only a part of a question.
     */
    void answered(RegistryHost registry) {
        silent.answered(registry, calls.nanoTime());
    }

    @SuppressWarnings(
            "unchecked") // A question of one kind always has an answer of one type: each is asked in one place.
    private static <T> Answer<T> outcome(SharedCalls.Outcome<Object> outcome) {
        Answer<T> answer = (Answer<T>) outcome.value();
        boolean joined = outcome.joined() && answer.verdict() == Verdict.MISS;
        return joined ? new Answer<>(answer.content(), Verdict.JOINED, answer.age(), answer.outage()) : answer;
    }
}
