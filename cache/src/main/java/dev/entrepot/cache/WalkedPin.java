package dev.entrepot.cache;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import java.util.HashSet;
import java.util.Set;

/** A pin, as it was found by the last walk. For one thread at a time. */
final class WalkedPin {
    private final IndexTables.PinKey key;
    private final PinWalk.Found found;
    private final Set<Digest> unread;
    private final Set<Digest> missingManifests = new HashSet<>();
    private final Set<Digest> missingBlobs = new HashSet<>();

    /**
     * A pin.
     *
     * @param unread what the walk has missed of what the index says is stored
     */
    WalkedPin(IndexTables.PinKey key, PinWalk.Found found, Set<Digest> unread) {
        this.key = key;
        this.found = found;
        this.unread = unread;
        for (Descriptor content : found.graph().missing()) {
            (content.isManifest() ? missingManifests : missingBlobs).add(content.digest());
        }
    }

    /** What it is found by. */
    IndexTables.PinKey key() {
        return key;
    }

    /** The pin. */
    Pin pin() {
        return found.graph().pin();
    }

    /** What was found. */
    PinWalk.Found found() {
        return found;
    }

    /** What the walk has missed of what the index says is stored. */
    Set<Digest> unread() {
        return unread;
    }

    /**
     * Notes that a digest of this graph is stored now, or is not, and returns whether that may change what is
     * protected. A blob has nothing under it: only the last that was missing decides, about what the tag named before.
     */
    boolean isConcernedBy(Digest digest, boolean stored) {
        if (!stored || missingManifests.contains(digest)) {
            return true;
        }
        return missingBlobs.remove(digest) && missingBlobs.isEmpty();
    }
}
