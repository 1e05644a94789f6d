package dev.entrepot.cache;

import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.RegistryException;
import dev.entrepot.oci.UnauthorizedException;
import java.io.IOException;
import java.time.Clock;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * How questions to upstreams are answered: from what is kept, by asking, or with a failure that is remembered, as a {@link Judgement} has it. Each
 * question has one call under way at most, which belongs to no client. Thread-safe.
 */
final class Answering {
    private final SharedCalls<Object, Object> calls;
    private final NegativeAnswers negative;
    private final RuleCounters counters;
    private final Clock clock;

    Answering(SharedCalls<Object, Object> calls, NegativeAnswers negative, RuleCounters counters, Clock clock) {
        this.calls = calls;
        this.negative = negative;
        this.counters = counters;
        this.clock = clock;
    }

    /** Asks an upstream. */
    interface Asking<T> extends SharedCalls.Work<Answer<T>> {}

    /** The settings, applied now. */
    Judgement judge(CacheSettings settings) {
        return new Judgement(settings, clock.instant());
    }

    /**
     * Answers a question about something that changes.
     *
     * @param question what is asked, of which repository; the key under which calls are shared and failures remembered
     * @param outage how questions to the upstream fail at present, as far as is known
     * @param kept what is kept; found again after a failure
     * @param ask asks the upstream and keeps what it says
     * @param forget lets go of what is kept, because the upstream denies it in this way
     */
    <T> Answer<T> answer(
            Object question,
            CacheSettings settings,
            Supplier<Optional<OutageException>> outage,
            Judgement.Window window,
            Supplier<Optional<Kept<T>>> kept,
            Asking<T> ask,
            Consumer<RegistryException> forget)
            throws IOException {
        Optional<Kept<T>> now = kept.get();
        Judgement judgement = judge(settings);
        Asking<T> check = () -> check(question, settings, kept, ask, forget);
        return switch (judgement.step(window, now.map(Kept::confirmedAt))) {
            case SERVE -> judgement.hit(now.orElseThrow());
            case SERVE_AND_CHECK -> {
                counters.count(RuleEvent.BEHIND);
                calls.begin(question, check::run);
                yield judgement.hit(now.orElseThrow());
            }
            case ASK -> {
                Optional<Answer<T>> insteadOfWaiting = now.flatMap(judgement::inPlaceOfWaiting);
                yield insteadOfWaiting.isEmpty()
                        ? share(question, check)
                        : wait(question, judgement, now.get(), insteadOfWaiting.get(), check, outage);
            }
        };
    }

    // Once it is known how the upstream fails, that decides whether what is kept may be served, and not that it takes
    // long.
    private <T> Answer<T> wait(
            Object question,
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
        Optional<SharedCalls.Outcome<Object>> inTime =
                calls.call(question, check::run, judgement.settings().checkDeadline());
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

    // While nothing is sent to the upstream but a request that shows whether it is back, only the one who sends that
    // one
    // waits for it.
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
     * Runs a call for a question, or joins the one under way. Somebody in the background may have begun that one, and may not use the quota that is
     * left: after such a failure the question is asked once more.
     */
    <T> Answer<T> share(Object question, Asking<T> call) throws IOException {
        try {
            return outcome(calls.call(question, call::run));
        } catch (OutageException e) {
            if (e.reason() != OutageException.Reason.QUOTA) {
                throw e;
            }
            return outcome(calls.call(question, call::run));
        }
    }

    /** As {@link #share}, where nothing is kept that could be served in place of a failure; a failure that is remembered is answered with. */
    <T> Answer<T> shareRemembering(Object question, CacheSettings settings, Asking<T> call) throws IOException {
        return share(question, () -> check(question, settings, Optional::empty, call, _ -> {}));
    }

    /** Throws the failure that is remembered for a question, if there is one. */
    void refuseRemembered(Object question, CacheSettings settings) throws RegistryException {
        Optional<RegistryException> remembered = negative.of(question, settings);
        if (remembered.isPresent()) {
            counters.count(RuleEvent.NEGATIVE);
            throw remembered.get();
        }
    }

    /** Remembers a failure, if the settings say so. */
    void remember(Object question, RegistryException failure, CacheSettings settings) {
        negative.remember(question, failure, settings);
    }

    /** The failure that is remembered for a question. */
    Optional<RegistryException> remembered(Object question, CacheSettings settings) {
        return negative.of(question, settings);
    }

    private <T> Answer<T> check(
            Object question,
            CacheSettings settings,
            Supplier<Optional<Kept<T>>> kept,
            Asking<T> ask,
            Consumer<RegistryException> forget)
            throws IOException {
        Optional<RegistryException> remembered = negative.of(question, settings);
        try {
            if (remembered.isPresent()) {
                counters.count(RuleEvent.NEGATIVE);
                throw remembered.get();
            }
            Answer<T> answer = ask.run();
            negative.forget(question);
            return answer;
        } catch (NotFoundException | UnauthorizedException | OutageException | InvalidContentException e) {
            if (remembered.isEmpty()) {
                negative.remember(question, e, settings);
            }
            Optional<Answer<T>> stale = kept.get().flatMap(k -> judge(settings).inPlaceOf(e, k));
            if (stale.isPresent()) {
                Judgement.cause(e).ifPresent(counters::served);
                return stale.get();
            }
            if (e instanceof NotFoundException || e instanceof UnauthorizedException) {
                // An answer: what is denied now must not come back in the next outage.
                forget.accept(e);
            }
            throw e;
        }
    }

    @SuppressWarnings(
            "unchecked") // A question of one kind always has an answer of one type: each is asked in one place.
    private static <T> Answer<T> outcome(SharedCalls.Outcome<Object> outcome) {
        Answer<T> answer = (Answer<T>) outcome.value();
        boolean joined = outcome.joined() && answer.verdict() == Verdict.MISS;
        return joined ? new Answer<>(answer.content(), Verdict.JOINED, answer.age(), answer.outage()) : answer;
    }
}
