package dev.entrepot.cache;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Pace;
import dev.entrepot.oci.Repository;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Who follows a fetch, and what that changes for it: whether it may be refused by the rules of one alone, which
 * repositories are proven to have the blob once it was sent, and whether what was begun in the background is held back.
 * Where they wait is {@link FetchProgress}. Thread-safe.
 *
 * <p>A repository is noted before it is looked whether the blob was sent, and that it was sent is noted before those
 * are told who are known: whoever comes in that moment is told twice, never not at all.
 */
final class FetchFollowers {
    private final Repository startedBy;
    private final Digest digest;
    private final BlobFetch.Keeper keeper;
    private final HurriedSource source;
    private final Optional<LiftablePace> pace;
    private volatile boolean shared;
    /** The repositories of the same upstream that the blob is followed for. */
    private final Set<Repository> repositories = ConcurrentHashMap.newKeySet();
    /** The length of what was sent, once its digest is known to be right. */
    private volatile OptionalLong sentBytes = OptionalLong.empty();

    /**
     * Nobody follows yet.
     *
     * @param keeper told which repositories are proven to have the blob
     * @param source the upstream of the fetch
     * @param pace at what pace the blob is fetched; empty if whoever began that has none
     */
    FetchFollowers(WantedBlob blob, BlobFetch.Keeper keeper, HurriedSource source, Optional<LiftablePace> pace) {
        this.startedBy = blob.repository();
        this.digest = blob.digest();
        this.keeper = keeper;
        this.source = source;
        this.pace = pace;
    }

    /** Notes that a repository follows, whose rules may be others. */
    void joinedBy(Repository other) {
        if (!startedBy.equals(other)) {
            shared = true;
        }
    }

    /** Whether others than the repository that has started the fetch have followed it. */
    boolean hasOthers() {
        return shared;
    }

    /**
     * Notes that the blob is followed for another repository of the same upstream, one of whose manifests names it:
     * once it was sent, that repository is proven to have it, too.
     */
    void followedFor(Repository other) {
        repositories.add(other);
        OptionalLong bytes = sentBytes;
        if (bytes.isPresent()) {
            keeper.sent(other, digest, bytes.getAsLong());
        }
    }

    /** The upstream has sent all of it, and its digest is right. Who begins to follow now tells the keeper himself. */
    void sent(long bytes) {
        sentBytes = OptionalLong.of(bytes);
        keeper.sent(startedBy, digest, bytes);
        repositories.forEach(follower -> keeper.sent(follower, digest, bytes));
    }

    /**
     * A client follows: until that leaves, the fetch is held back for nobody.
     *
     * @return to be run once, when the client leaves
     */
    Runnable addClient() {
        if (pace.isEmpty()) {
            return () -> {};
        }
        LiftablePace lifted = pace.get();
        lifted.lift();
        AtomicBoolean left = new AtomicBoolean();
        return () -> {
            if (left.compareAndSet(false, true)) {
                lifted.restore();
            }
        };
    }

    /**
     * Somebody in the background follows, at the pace of this thread: what that has no limit for is held back for
     * nobody until he leaves.
     *
     * @return to be run once, when he leaves
     */
    Runnable addInBackground() {
        if (pace.isEmpty()) {
            return () -> {};
        }
        LiftablePace lifted = pace.get();
        boolean heldElsewhere = lifted.holdsBytes() && !lifted.isHolding();
        Runnable left = lifted.liftFor(Pace.current());
        if (heldElsewhere && !lifted.holdsBytes()) {
            // It may wait for one of the few slots of what is read at a pace.
            source.askAnew();
        }
        return left;
    }
}
