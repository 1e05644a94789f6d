package dev.entrepot.replicator;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.DigestAlgorithm;
import dev.entrepot.oci.ManifestBytes;
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

    /** Gives what a tag names now the backup tag of the plan, if there is one for it. */
    void backUp(Tag tag) throws IOException {
        for (ImagePlan.Backup backup : plan.backups()) {
            if (backup.tag().equals(tag)) {
                // What has no other name is lost without it, and no later run looks for it.
                publish(
                        at(
                                tag,
                                "reading what is replaced",
                                () -> repository.reader().fetchManifest(tag)),
                        backup.as(),
                        true);
            }
        }
    }

    /**
     * Writes a tag, whose graph is there.
     *
     * @param asked whether the target is asked for it whatever it answered, because no later run asks
     * @throws CopyException if the target does not take it, or names something else or nothing by it
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
            }
        });
        // A registry that took the manifest under another algorithm may name it by the usual one in its tags. A digest
        // of the usual one in the answer says itself what the tag names, and costs no request. An answer without may be
        // anybody's.
        boolean usual = bytes.digest().algorithm().equals(DigestAlgorithm.SHA256);
        if (asked || !confirmed || !usual) {
            requireNamed(bytes.digest(), tag);
        }
    }

    /**
     * Asks the target what a tag names.
     *
     * @throws CopyException if that is not this, or the target cannot say
     */
    void requireNamed(Digest digest, Tag tag) throws IOException {
        Optional<Digest> named = at(
                        tag,
                        "asking what the tag " + tag + " names",
                        () -> repository.reader().resolve(tag))
                .map(Descriptor::digest);
        if (!named.equals(Optional.of(digest))) {
            throw new CopyException(
                    Side.TARGET,
                    digest,
                    session.name() + "/" + repository.name() + " took " + digest + " for the tag " + tag
                            + ", which names " + named.map(Digest::toString).orElse("nothing") + " there");
        }
    }

    private <T> T at(Object node, String doing, RequestLimit.Request<T> request) throws IOException {
        return CopyException.at(Side.TARGET, node, doing + " at " + session.name() + "/" + repository.name(), request);
    }
}
