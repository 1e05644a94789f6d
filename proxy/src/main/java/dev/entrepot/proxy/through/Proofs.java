package dev.entrepot.proxy.through;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.UnauthorizedException;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * What upstreams have said of claims: for a while, in memory only, under keyed hashes. An upstream is asked once at a
 * time for each claim, however many wait. That it does not have something says nothing of the claim, and that it does
 * not answer proves nothing. Safe for all threads.
 */
final class Proofs {
    private static final int MOST = 100_000;
    private static final Duration REFUSED_FOR = Duration.ofSeconds(10);
    private static final Duration LONGEST = Duration.ofHours(1);
    /** More than any single question to an upstream takes. */
    private static final Duration PATIENCE = Duration.ofMinutes(5);

    private final LongSupplier nanoTime;
    private final Cache<Claim, Known> known;
    private final Map<Claim, CompletableFuture<Outcome>> underWay = new ConcurrentHashMap<>();

    /** Nothing is known yet. */
    Proofs(LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
        this.known = Caffeine.newBuilder()
                .maximumSize(MOST)
                .expireAfterWrite(LONGEST)
                .ticker(nanoTime::getAsLong)
                .executor(Runnable::run)
                .build();
    }

    /** Asks an upstream, which answers if the claim is right. */
    @FunctionalInterface
    interface Question {
        /** Asks it. */
        void ask() throws IOException;
    }

    private record Known(Optional<UnauthorizedException> refusal, long untilNanos) {}

    /** What came of asking. */
    private sealed interface Outcome {
        record Granted() implements Outcome {}

        record Failed(IOException failure) implements Outcome {}
    }

    /** Whether a claim is proven now. Asks nobody. */
    boolean holds(Claim claim) {
        Known said = current(claim);
        return said != null && said.refusal().isEmpty();
    }

    private @Nullable Known current(Claim claim) {
        Known said = known.getIfPresent(claim);
        return said == null || said.untilNanos() - nanoTime.getAsLong() <= 0 ? null : said;
    }

    /** Forgets that a claim was proven: the upstream has refused since. */
    void revoke(Claim claim) {
        known.invalidate(claim);
    }

    /**
     * Returns if a claim is proven, and has the upstream asked where that is not known.
     *
     * @param lasts how long its word counts, from when it was asked
     * @throws UnauthorizedException if the upstream refuses, or has a moment ago
     * @throws dev.entrepot.oci.RegistryException what else it answers, or that it does not
     */
    void require(Claim claim, Duration lasts, Question question) throws IOException {
        Known said = current(claim);
        if (said != null) {
            if (said.refusal().isPresent()) {
                throw said.refusal().get();
            }
            return;
        }
        CompletableFuture<Outcome> mine = new CompletableFuture<>();
        CompletableFuture<Outcome> others = underWay.putIfAbsent(claim, mine);
        Outcome outcome = others == null ? asked(claim, lasts, question, mine) : await(claim, others);
        boolean forAll = outcome instanceof Outcome.Granted
                || outcome instanceof Outcome.Failed(IOException failed)
                        && (failed instanceof UnauthorizedException || failed instanceof OutageException);
        if (others != null && !forAll) {
            // It has not what the other one asked for, which may be something else, or the other one asks too often.
            outcome = answer(claim, lasts, question);
        }
        if (outcome instanceof Outcome.Failed(IOException failure)) {
            throw failure;
        }
    }

    private Outcome asked(Claim claim, Duration lasts, Question question, CompletableFuture<Outcome> mine) {
        try {
            Outcome outcome = answer(claim, lasts, question);
            mine.complete(outcome);
            return outcome;
        } finally {
            underWay.remove(claim, mine);
            // Reached without an outcome only by what no upstream causes.
            mine.cancel(false);
        }
    }

    private Outcome answer(Claim claim, Duration lasts, Question question) {
        long start = nanoTime.getAsLong();
        try {
            question.ask();
            known.put(claim, new Known(Optional.empty(), start + lasts.toNanos()));
            return new Outcome.Granted();
        } catch (UnauthorizedException e) {
            known.put(claim, new Known(Optional.of(e), nanoTime.getAsLong() + REFUSED_FOR.toNanos()));
            return new Outcome.Failed(e);
        } catch (IOException e) {
            return new Outcome.Failed(e);
        }
    }

    private static Outcome await(Claim claim, CompletableFuture<Outcome> others) throws OutageException {
        String what = "what these credentials open at "
                + claim.repository()
                        .map(name -> claim.upstream() + "/" + name)
                        .orElse(claim.upstream().toString());
        try {
            return others.get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            throw new OutageException(
                    OutageException.Reason.TIMEOUT,
                    what + " was not known within " + PATIENCE.toMinutes() + " minutes; try again",
                    e);
        } catch (ExecutionException | java.util.concurrent.CancellationException e) {
            throw new OutageException(
                    OutageException.Reason.NOT_ASKED, what + " could not be asked; the log says why", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new OutageException(
                    OutageException.Reason.NOT_ASKED, what + " is not known: this server is stopping", e);
        }
    }
}
