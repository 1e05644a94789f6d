package dev.entrepot.replicator;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.TagCondition;
import dev.entrepot.oci.TagState;
import java.io.IOException;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The fallback tag of one subject at one target while it is changed, beside other processes that may be doing the same:
 * it is written only as long as it is as it was read, where the target can tell, and read back. For one use, by one
 * thread.
 */
final class FallbackTag {
    private static final int WRITES = 3;
    // Of several that change one tag at a time, one gets through each time.
    private static final int DECLINED = 10;

    private final TargetRepository repository;
    private final Digest subject;
    private TagState state;
    // What is put back where it is gone again.
    private Optional<ManifestBytes> written = Optional.empty();
    private boolean conditional = true;
    private int writes;
    private int declined;

    /** Reads it. */
    FallbackTag(TargetRepository repository, Digest subject) throws IOException {
        this.repository = repository;
        this.subject = subject;
        this.state = repository.state(subject.referrersTag(), subject);
    }

    /** What it lists now, and says of it. */
    List<Descriptor> entries() throws InvalidContentException {
        return FallbackIndex.entries(state.manifest());
    }

    /** What it lists now. */
    Set<Digest> listed() throws InvalidContentException {
        return FallbackIndex.digests(state.manifest());
    }

    /**
     * What the list had that was written here last, and lacks now. Of one that was written on condition only what came
     * into it here: who has changed it since could read all of it, and may have been right to take out what was there
     * before.
     */
    Set<Digest> lost() throws InvalidContentException {
        Set<Digest> lost = new HashSet<>(FallbackIndex.digests(written));
        lost.removeAll(listed());
        return lost;
    }

    /** The index that it names now, with what is lost put back; empty if there is none and never was. */
    Optional<ManifestBytes> restored() throws InvalidContentException {
        return written.isPresent() && !lost().isEmpty()
                ? Optional.of(FallbackIndex.union(state.manifest(), subject, written.get()))
                : state.manifest();
    }

    /** Whether it was written as often as it may be, or others were quicker too often. */
    boolean isGivenUp() {
        return writes >= WRITES || declined >= DECLINED;
    }

    /** How often it was written, for messages. */
    String tries() {
        return "after " + writes + " writes of its fallback tag"
                + (declined > 0 ? " and " + declined + " that came too late, because others were writing it" : "");
    }

    /**
     * Has it name this index, unless somebody else has written it since it was read; and reads it again.
     *
     * @return whether the target took it
     */
    boolean write(ManifestBytes next) throws IOException {
        Optional<TagCondition> condition = conditional ? state.condition() : Optional.empty();
        boolean taken;
        if (condition.isPresent()) {
            taken = repository
                    .push(next, subject.referrersTag(), condition.get())
                    .isPresent();
        } else {
            repository.push(next, subject.referrersTag());
            taken = true;
        }
        Optional<ManifestBytes> before = state.manifest();
        state = repository.state(subject.referrersTag(), subject);
        if (taken) {
            writes++;
            written = Optional.of(condition.isPresent() ? own(next, before) : next);
        } else if (digest(state.manifest()).equals(digest(before))) {
            // Nobody has written it: it is the condition itself that the target does not take.
            conditional = false;
        } else {
            declined++;
        }
        return taken;
    }

    // What was written here before and has been put back is its own still.
    private ManifestBytes own(ManifestBytes next, Optional<ManifestBytes> before) throws InvalidContentException {
        Set<Digest> others = new HashSet<>(FallbackIndex.digests(before));
        others.removeAll(FallbackIndex.digests(written));
        return FallbackIndex.without(next, others);
    }

    private static Optional<Digest> digest(Optional<ManifestBytes> manifest) {
        return manifest.map(ManifestBytes::digest);
    }
}
