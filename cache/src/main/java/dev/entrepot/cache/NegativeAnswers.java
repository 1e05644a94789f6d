package dev.entrepot.cache;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.RegistryException;
import dev.entrepot.oci.UnauthorizedException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * Failures that are remembered for a while, each under the question that it was the answer to. A question names its
 * repository, so that no failure reaches another one. In memory only. Thread-safe.
 */
final class NegativeAnswers {
    private static final int MOST = 50_000;

    /** A failure, and when it was the upstream's. */
    private record Remembered(RegistryException failure, Instant at) {}

    private final Clock clock;
    private final Cache<Question, Remembered> failures =
            Caffeine.newBuilder().maximumSize(MOST).executor(Runnable::run).build();

    NegativeAnswers(Clock clock) {
        this.clock = clock;
    }

    /** The failure that is remembered for a question and not older than the settings allow. */
    Optional<RegistryException> of(Question question, CacheSettings settings) {
        return remembered(question, settings).map(Remembered::failure);
    }

    /** Until when a failure is remembered for a question; empty if none is. */
    Optional<Instant> until(Question question, CacheSettings settings) {
        return remembered(question, settings).map(found -> found.at.plus(time(found.failure, settings)));
    }

    private Optional<Remembered> remembered(Question question, CacheSettings settings) {
        Remembered remembered = failures.getIfPresent(question);
        if (remembered == null) {
            return Optional.empty();
        }
        Duration age = Duration.between(remembered.at, clock.instant());
        boolean holds = !age.isNegative() && age.compareTo(time(remembered.failure, settings)) < 0;
        return holds ? Optional.of(remembered) : Optional.empty();
    }

    /** Remembers a failure, if the settings say so. */
    void remember(Question question, RegistryException failure, CacheSettings settings) {
        if (!time(failure, settings).isZero()) {
            failures.put(question, new Remembered(asRemembered(failure), clock.instant()));
        }
    }

    // An answer can be remembered; an outage is one also while nobody is asked.
    private static RegistryException asRemembered(RegistryException failure) {
        return switch (failure) {
            case NotFoundException e -> e.asRemembered();
            case UnauthorizedException e -> e.asRemembered();
            default -> failure;
        };
    }

    /** Forgets what is remembered for a question: there was an answer. */
    void forget(Question question) {
        if (failures.getIfPresent(question) != null) {
            failures.invalidate(question);
        }
    }

    private static Duration time(RegistryException failure, CacheSettings settings) {
        CacheSettings.Negative negative = settings.negative();
        return switch (failure) {
            case NotFoundException e -> negative.notFound();
            case UnauthorizedException e -> negative.denied();
            case OutageException e ->
                e.reason() == OutageException.Reason.NOT_ASKED ? Duration.ZERO : negative.outage();
            default -> Duration.ZERO;
        };
    }
}
