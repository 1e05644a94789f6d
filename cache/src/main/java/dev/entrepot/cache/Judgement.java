package dev.entrepot.cache;

import dev.entrepot.oci.BlockedException;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.RefusedException;
import dev.entrepot.oci.RegistryException;
import dev.entrepot.oci.UnauthorizedException;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * What settings make of something that is kept, and of what an upstream says or fails to say: the one place where this
 * is decided, for serving and for explaining alike. It asks nobody. Something from the future, after the clock was set
 * back, is asked for again; where that cannot be, it counts as old as this process.
 *
 * @param settings what rules say of it
 * @param moment the time
 */
record Judgement(CacheSettings settings, Moment moment) {
    /** What comes first. */
    enum Step {
        /** What is kept is served. */
        SERVE,
        /** What is kept is served, and the upstream asked behind. */
        SERVE_AND_CHECK,
        /** The upstream is asked. */
        ASK
    }

    /**
     * Times since the upstream last confirmed something.
     *
     * @param freshFor how long it is served without asking
     * @param behindFor how long it is served and the upstream asked behind
     */
    record Window(Duration freshFor, Duration behindFor) {
        static final Window ALWAYS_ASK = new Window(Duration.ZERO, Duration.ZERO);
        private static final Window NEVER_ASK = new Window(CacheSettings.FOREVER, Duration.ZERO);

        /** For a tag. */
        static Window ofTag(CacheSettings settings) {
            return settings.offline() ? NEVER_ASK : new Window(settings.freshFor(), settings.behindFor());
        }

        /** For a tag list. */
        static Window ofTags(CacheSettings settings) {
            return settings.offline() ? NEVER_ASK : new Window(settings.listsFreshFor(), settings.behindFor());
        }

        /** For a list of referrers. */
        static Window ofReferrers(CacheSettings settings) {
            return settings.offline() ? NEVER_ASK : new Window(settings.referrersFreshFor(), settings.behindFor());
        }
    }

    /** The time. */
    Instant now() {
        return moment.now();
    }

    /** What comes first for something that was confirmed then, or is not kept. */
    Step step(Window window, Optional<Instant> confirmedAt) {
        if (confirmedAt.isEmpty()) {
            return Step.ASK;
        }
        return isWithin(confirmedAt.get(), window.freshFor())
                ? Step.SERVE
                : isWithin(confirmedAt.get(), window.behindFor()) ? Step.SERVE_AND_CHECK : Step.ASK;
    }

    /**
     * When the upstream is asked next, at the first request from then on; empty for never, and now for what was
     * confirmed in the future.
     */
    Optional<Instant> nextCheck(Window window, Instant confirmedAt) {
        if (window.freshFor().equals(CacheSettings.FOREVER)) {
            return Optional.empty();
        }
        return Optional.of(confirmedAt.isAfter(now()) ? now() : confirmedAt.plus(window.freshFor()));
    }

    private boolean isWithin(Instant then, Duration limit) {
        if (limit.equals(CacheSettings.FOREVER)) {
            return true;
        }
        Duration age = Duration.between(then, now());
        return !age.isNegative() && age.compareTo(limit) < 0;
    }

    /** The time since {@code then}; an hour-glass that never runs backwards. */
    Duration age(Instant then) {
        Duration age = Duration.between(moment.from(then), now());
        return age.isNegative() ? Duration.ZERO : age;
    }

    /** What is kept, as it is served without asking. */
    <T> Answer<T> hit(Kept<T> kept) {
        return Answer.of(kept.content(), Verdict.HIT, age(kept.confirmedAt()));
    }

    /**
     * What is kept, in place of a failure, if it is not too old for that; a refusal for want of rights is always passed
     * on.
     */
    <T> Optional<Answer<T>> inPlaceOf(RegistryException failure, Kept<T> kept) {
        return cause(failure).flatMap(cause -> stale(cause, kept, String.valueOf(failure.getMessage())));
    }

    /** What is kept, in place of an answer that takes longer than a request waits for it. */
    <T> Optional<Answer<T>> inPlaceOfWaiting(Kept<T> kept) {
        return settings.checkDeadline().isZero()
                ? Optional.empty()
                : stale(
                        StaleCause.TIMEOUT,
                        kept,
                        "the upstream did not confirm it within "
                                + settings.checkDeadline().toMillis() + " ms and is asked further");
    }

    /** Which cause for serving something stale a failure is; empty if it is none. */
    static Optional<StaleCause> cause(RegistryException failure) {
        return switch (failure) {
            case NotFoundException e -> Optional.of(StaleCause.DELETED);
            case OutageException e -> Optional.of(StaleCause.of(e));
            case InvalidContentException e -> Optional.of(StaleCause.of(e));
            case UnauthorizedException e -> Optional.empty();
            case RefusedException e -> Optional.empty();
            case BlockedException e -> Optional.empty();
        };
    }

    private <T> Optional<Answer<T>> stale(StaleCause cause, Kept<T> kept, String why) {
        Duration limit = settings.stale().getOrDefault(cause, Duration.ZERO);
        Duration age = age(kept.confirmedAt());
        return limit.isZero() || age.compareTo(limit) > 0
                ? Optional.empty()
                : Optional.of(new Answer<>(kept.content(), Verdict.STALE, age, Optional.of(why)));
    }
}
