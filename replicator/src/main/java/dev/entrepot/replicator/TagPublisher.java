package dev.entrepot.replicator;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.DigestAlgorithm;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.PushedManifest;
import dev.entrepot.oci.RefusedException;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.TallyCounter.Kind;
import dev.entrepot.replicator.graph.RequestLimit;
import java.io.IOException;
import java.util.Optional;

/** Writes the tags of one image at one target. */
final class TagPublisher {
    private final TargetSession session;
    private final TargetRepository repository;
    private final ImagePlan plan;
    private final TallyCounter tally;

    TagPublisher(TargetSession session, TargetRepository repository, ImagePlan plan, TallyCounter tally) {
        this.session = session;
        this.repository = repository;
        this.plan = plan;
        this.tally = tally;
    }

    /**
     * Asks once more what a tag names that is to be written, and that was compared before anything was copied: somebody
     * may have put there what is to be kept.
     *
     * @param wanted what it is to name
     * @throws CopyException if it names something else by now
     */
    void requireUnmoved(Tag tag, Digest wanted) throws IOException {
        Optional<Digest> before = at(tag, "asking what the tag " + tag + " names", () -> repository.head(tag))
                .map(Descriptor::digest);
        Optional<Digest> now = at(
                        tag,
                        "asking what the tag " + tag + " names",
                        () -> repository.reader().resolve(tag))
                .map(Descriptor::digest);
        if (!now.equals(before) && !now.equals(Optional.of(wanted))) {
            throw new CopyException(
                    Side.TARGET,
                    tag,
                    "the tag " + tag + " at " + place() + " names "
                            + now.map(Digest::toString).orElse("nothing") + " by now, and named "
                            + before.map(Digest::toString).orElse("nothing")
                            + " when it was compared; it is left as it is, and the next run decides");
        }
    }

    /** Gives what a tag named when it was compared the backup tag of the plan, if there is one for it. */
    void backUp(Tag tag) throws IOException {
        for (ImagePlan.Backup backup : plan.backups()) {
            if (backup.tag().equals(tag)) {
                // By its digest: another tag on the same image may have moved a tag of cosign's already. What has no
                // other name is lost without it, and no later run looks for it.
                publish(
                        at(
                                tag,
                                "reading what is replaced",
                                () -> repository
                                        .reader()
                                        .fetchManifest(repository
                                                .head(tag)
                                                .orElseThrow()
                                                .digest())),
                        backup.as(),
                        true);
            }
        }
    }

    /**
     * Writes a tag, whose graph is there.
     *
     * @param asked whether the target is asked for it whatever it answered, because no later run asks
     * @throws CopyException if the target does not take it, or names something else or nothing by it; the message says
     *     where the tag is, or may be, written all the same
     */
    void publish(ManifestBytes bytes, Tag tag, boolean asked) throws IOException {
        boolean confirmed = at(tag, "writing the tag " + tag, () -> {
            try {
                PushedManifest answer = repository.push(bytes, tag);
                tally.one(Kind.TAG_MOVED);
                return answer.confirmed();
            } catch (RefusedException e) {
                // A registry of immutable tags refuses a tag that is right already.
                boolean right = repository
                        .reader()
                        .resolve(tag)
                        .filter(there -> there.digest().equals(bytes.digest()))
                        .isPresent();
                if (!right) {
                    throw e;
                }
                return true;
            } catch (OutageException | InvalidContentException e) {
                // What answered so may have taken it.
                throw CopyException.of(
                        Side.TARGET,
                        tag,
                        "writing the tag " + tag + ", which may be written all the same, at " + place(),
                        e);
            }
        });
        // Few registries put a tag on a manifest by another algorithm than the usual one, and their answer is the same.
        // A digest of the usual one in the answer says itself what the tag names, and costs no request. An answer
        // without may be anybody's.
        boolean usual = bytes.digest().algorithm().equals(DigestAlgorithm.SHA256);
        if (!usual) {
            requireNamedUnusually(bytes, tag);
        } else if (asked || !confirmed) {
            requireNamed(bytes.digest(), tag);
        }
    }

    private void requireNamedUnusually(ManifestBytes bytes, Tag tag) throws IOException {
        Digest digest = bytes.digest();
        Optional<Digest> named = named(tag);
        if (named.equals(Optional.of(digest))) {
            return;
        }
        boolean written = named.filter(other ->
                        other.algorithm().isVerifiable() && other.equals(Digest.of(other.algorithm(), bytes.array())))
                .isPresent();
        throw new CopyException(
                Side.TARGET,
                digest,
                place() + " has " + digest + " and does not put the tag " + tag
                        + " on it, which only registries do that"
                        + " know tags of digests by " + digest.algorithm() + " (distribution-spec, end-7b); the tag "
                        + (written ? "is written, and names the same manifest as " : "is as it was, and names ")
                        + named.map(Digest::toString).orElse("nothing") + " there");
    }

    /**
     * Asks the target what a tag that was written names.
     *
     * @throws CopyException if that is not this, or the target cannot say
     */
    void requireNamed(Digest digest, Tag tag) throws IOException {
        Optional<Digest> named = named(tag);
        if (!named.equals(Optional.of(digest))) {
            throw new CopyException(
                    Side.TARGET,
                    digest,
                    place() + " took " + digest + " for the tag " + tag + ", which names "
                            + named.map(Digest::toString).orElse("nothing") + " there");
        }
    }

    private Optional<Digest> named(Tag tag) throws IOException {
        return at(
                        tag,
                        "asking what the tag " + tag + ", which the target took, names",
                        () -> repository.reader().resolve(tag))
                .map(Descriptor::digest);
    }

    private String place() {
        return session.name() + "/" + repository.name();
    }

    private <T> T at(Object node, String doing, RequestLimit.Request<T> request) throws IOException {
        return CopyException.at(Side.TARGET, node, doing + " at " + place(), request);
    }
}
