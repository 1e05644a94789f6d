package dev.entrepot.cache;

import dev.entrepot.oci.BlockedException;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.Tag;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * Which digest of a tag may be served under a minimum age: what the tag names, if it was first seen long enough ago or is exempt; else what it named
 * before and that is so, the last first; else none.
 */
final class Cooldown {
    /**
     * The choice.
     *
     * @param current whether what the tag names may be served
     * @param former what may be served in its place, the best first; whether one is exempt is asked when it is its turn
     * @param matureAt when what the tag names may be served
     */
    record Choice(boolean current, Iterable<Digest> former, Instant matureAt) {}

    private Cooldown() {}

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
    static Choice choose(TagRecord named, TagHistory history, MinAge minAge, Predicate<Digest> exempt, Instant now) {
        Instant matureAt = named.firstSeenAt().plus(minAge.time());
        Predicate<Digest> atAnyAge = digest -> minAge.exceptDigests().contains(digest) || exempt.test(digest);
        if (!matureAt.isAfter(now) || atAnyAge.test(named.digest())) {
            return new Choice(true, List.of(), matureAt);
        }
        Iterable<Digest> standIns = () -> history.former().reversed().stream()
                .filter(former ->
                        !former.firstSeenAt().plus(minAge.time()).isAfter(now) || atAnyAge.test(former.digest()))
                .map(TagHistory.Former::digest)
                .iterator();
        return new Choice(false, standIns, matureAt);
    }

    /** Why nothing is served under the tag. */
    static BlockedException refusal(
            Repository repository, Tag tag, TagRecord named, Choice choice, CacheSettings settings, Instant now) {
        return new BlockedException(
                BlockedException.Kind.TOO_YOUNG,
                "tag " + tag + " of " + repository + " names " + named.digest() + ", first seen at "
                        + named.firstSeenAt() + " and too young by " + settings.rule(Setting.MIN_AGE)
                        + "; it will be served from " + choice.matureAt() + " on",
                Optional.of(Duration.between(now, choice.matureAt())));
    }

    /** What is said with an answer that stands in for what the tag names. */
    static String notice(TagRecord named, Choice choice, CacheSettings settings) {
        return "the tag names " + named.digest() + ", which is too young by " + settings.rule(Setting.MIN_AGE)
                + " and will be served from " + choice.matureAt() + " on";
    }
}
