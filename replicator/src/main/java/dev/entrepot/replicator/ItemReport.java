package dev.entrepot.replicator;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.RepositoryName;
import java.net.URI;
import java.util.Locale;
import java.util.Optional;

/**
 * What came of one tag at one target.
 *
 * @param target name of the target
 * @param source repository at the source
 * @param repository repository at the target; that of the source where no target name could be made
 * @param tag the tag; {@code *} if the repository could not even be listed; the digest of something left over without a
 *     tag
 * @param digest what the tag names at the source, if that is known
 * @param state what came of it
 * @param reason why, for people; empty where nothing is to be said
 * @param failure for {@link State#FAILED}, what went wrong
 * @param tally what was done
 * @param published for {@link State#COPIED}, what the tag names at the target, as far as it is known
 */
public record ItemReport(
        String target,
        RepositoryName source,
        RepositoryName repository,
        String tag,
        Optional<Digest> digest,
        State state,
        String reason,
        Optional<Failure> failure,
        Tally tally,
        Optional<Published> published) {

    /** A report of something that was not copied now. */
    public ItemReport(
            String target,
            RepositoryName source,
            RepositoryName repository,
            String tag,
            Optional<Digest> digest,
            State state,
            String reason,
            Optional<Failure> failure,
            Tally tally) {
        this(target, source, repository, tag, digest, state, reason, failure, tally, Optional.empty());
    }

    /** Repository at the target with the tag, or with the digest of what was left over without one. */
    public String name() {
        return name(repository, tag);
    }

    /** As people write it: a tag follows a colon, a digest an at sign. */
    static String name(RepositoryName repository, String reference) {
        return repository + (reference.indexOf(':') < 0 ? ":" : "@") + reference;
    }

    /** The same report of what failed. */
    ItemReport failing(Failure cause) {
        return new ItemReport(
                target, source, repository, tag, digest, state, reason, Optional.of(cause), tally, published);
    }

    /** The same report of what was published. */
    ItemReport publishing(Published manifest) {
        return new ItemReport(
                target, source, repository, tag, digest, state, reason, failure, tally, Optional.of(manifest));
    }

    /**
     * What a tag names at a target.
     *
     * @param manifest its type, digest and size
     * @param url where it is, if the target is a registry
     */
    public record Published(Descriptor manifest, Optional<URI> url) {}

    /** What can come of a tag. */
    public enum State {
        /** It is complete now, and something was done for that. */
        COPIED,
        /** It was complete. */
        UP_TO_DATE,
        /** The rule says to leave it. */
        SKIPPED,
        /** It was deleted: the source no longer has it, or nothing that the rule brought names it any more. */
        PRUNED,
        /** It was not moved. */
        FAILED;

        /** As reports write it. */
        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }

    /**
     * What went wrong.
     *
     * @param side where
     * @param node the digest or tag
     * @param cause what was tried and what came of it
     * @param fault what sort of answer or outage it was, in words that do not depend on the node, such as
     *     {@code outage: unreachable}; empty where the cause is all there is to say
     */
    public record Failure(Side side, String node, String cause, String fault) {
        /** With nothing more to say than the cause. */
        public Failure(Side side, String node, String cause) {
            this(side, node, cause, "");
        }

        /** The same as the journal keeps it: each of its texts cut at 500 characters. */
        public Failure kept() {
            return KeptReport.cut(this);
        }
    }
}
