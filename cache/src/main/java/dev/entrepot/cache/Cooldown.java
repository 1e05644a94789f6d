package dev.entrepot.cache;

import dev.entrepot.oci.BlockedException;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.Tag;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/**
 * Which digest of a tag may be served under a minimum age: what the tag names, if it was first seen long enough ago or
 * is exempt; else what it named before and that is so, the last first; else none.
 */
final class Cooldown {
    // As fallback tags and cosign's are: algorithm and digest, cut to 64 places, and perhaps what it is.
    private static final Pattern OF_A_DIGEST = Pattern.compile("sha(256|512)-[0-9a-f]{64}([0-9a-f]{64})?([._-].*)?");

    /**
     * A digest that may be served.
     *
     * @param since from when on it was the one to serve
     */
    record Turn(Digest digest, Instant since) {}

    /** The choice. */
    static final class Choice {
        private final TagRecord named;
        private final TagHistory history;
        private final MinAge minAge;
        private final Predicate<Digest> atAnyAge;
        private final Moment moment;
        private final Optional<Turn> current;

        private Choice(TagRecord named, TagHistory history, MinAge minAge, Predicate<Digest> atAnyAge, Moment moment) {
            this.named = named;
            this.history = history;
            this.minAge = minAge;
            this.atAnyAge = atAnyAge;
            this.moment = moment;
            this.current = turn(named.digest(), named.firstSeenAt());
        }

        // Whether one is exempt is asked only if it is too young.
        private Optional<Turn> turn(Digest digest, Instant firstSeenAt) {
            Instant matureAt = matureAt(firstSeenAt);
            if (!matureAt.isAfter(moment.now())) {
                return Optional.of(new Turn(digest, matureAt));
            }
            return atAnyAge.test(digest) ? Optional.of(new Turn(digest, firstSeenAt)) : Optional.empty();
        }

        /** What the tag names, if it may be served. */
        Optional<Turn> current() {
            return current;
        }

        /** Since when it is known that the tag names it. */
        Instant firstSeenAt() {
            return moment.from(named.firstSeenAt());
        }

        /** When what the tag names may be served. */
        Instant matureAt() {
            return matureAt(named.firstSeenAt());
        }

        private Instant matureAt(Instant firstSeenAt) {
            return moment.from(firstSeenAt).plus(minAge.time());
        }

        /**
         * What may be served in its place, the best first; whether one is exempt is asked when it is its turn.
         *
         * @param among which of them are looked at
         */
        Iterable<Turn> former(Predicate<Digest> among) {
            return () -> history.former().reversed().stream()
                    .filter(former -> !former.digest().equals(named.digest()) && among.test(former.digest()))
                    .flatMap(former -> turn(former.digest(), former.firstSeenAt()).stream())
                    .iterator();
        }

        /**
         * What is served in place of something that should be served and cannot be had now, if there is anything.
         *
         * @param turn what should be served
         * @param kept which digests can be served
         */
        Optional<Turn> standIn(Turn turn, Predicate<Digest> kept) {
            for (Turn other : former(kept)) {
                if (!other.digest().equals(turn.digest())) {
                    return Optional.of(other);
                }
            }
            return Optional.empty();
        }
    }

    private Cooldown() {}

    /**
     * Whether a minimum age is for a tag at all. Tags that name a digest are signatures and the like of a manifest,
     * which go with it.
     */
    static Optional<MinAge> of(Tag tag, CacheSettings settings) {
        return settings.minAge()
                .filter(minAge -> !OF_A_DIGEST.matcher(tag.value()).matches());
    }

    /** Why nothing is served under a tag of which nothing is known: what it names is first seen with the request. */
    static BlockedException refusal(Repository repository, Tag tag, MinAge minAge, CacheSettings settings) {
        return new BlockedException(
                BlockedException.Kind.TOO_YOUNG,
                "nothing is known of tag " + tag + " of " + repository
                        + ", so that what it names is first seen with a request and too young by "
                        + settings.rule(Setting.MIN_AGE),
                Optional.of(minAge.time()));
    }

    /**
     * Chooses.
     *
     * @param exempt whether a digest is served whatever its age; asked only about one that is too young
     */
    static Choice choose(TagRecord named, TagHistory history, MinAge minAge, Predicate<Digest> exempt, Moment moment) {
        Predicate<Digest> atAnyAge = digest -> minAge.exceptDigests().contains(digest) || exempt.test(digest);
        return new Choice(named, history, minAge, atAnyAge, moment);
    }

    /** Why nothing is served under the tag. */
    static BlockedException refusal(
            Repository repository, Tag tag, TagRecord named, Choice choice, CacheSettings settings, Instant now) {
        return new BlockedException(
                BlockedException.Kind.TOO_YOUNG,
                "tag " + tag + " of " + repository + " names " + named.digest() + ", first seen at "
                        + choice.firstSeenAt() + " and too young by " + settings.rule(Setting.MIN_AGE)
                        + "; it will be served from " + choice.matureAt() + " on",
                Optional.of(Duration.between(now, choice.matureAt())));
    }

    /** What is said with an answer that stands in for what the tag names. */
    static String notice(TagRecord named, Choice choice, CacheSettings settings) {
        return "the tag names " + named.digest() + ", which is too young by " + settings.rule(Setting.MIN_AGE)
                + " and will be served from " + choice.matureAt() + " on";
    }
}
