package dev.entrepot.cache;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Repository;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Has content that was found bad fetched anew: for the repository that it was fetched for, else for any that is known
 * to have it. What cannot be had is tried again for as long as it lies in quarantine. Safe for all threads.
 */
final class Healing {
    private static final Logger LOG = LoggerFactory.getLogger(Healing.class);

    private record Piece(ContentKind kind, Digest digest) {}

    private final ContentStore store;
    private final LinkRecords links;
    private final Set<Quarantine.Bad> healed = ConcurrentHashMap.newKeySet();
    private final Set<Piece> underWay = ConcurrentHashMap.newKeySet();
    private volatile boolean closed;
    private volatile Scrub.Healer healer = (repository, kind, digest) -> {};

    /** Of a store; nobody fetches anything yet. */
    Healing(ContentStore store, LinkRecords links) {
        this.store = store;
        this.links = links;
    }

    /** Has one fetch from now on. */
    void by(Scrub.Healer newHealer) {
        healer = newHealer;
    }

    /** A repository that has something; empty if none is known to, and then it comes with the next request for it. */
    Optional<Repository> owner(Digest digest) {
        try {
            return links.anyWith(digest);
        } catch (IOException e) {
            LOG.warn("scrub: who has {} cannot be read: {}", digest, e.getMessage());
            return Optional.empty();
        }
    }

    /** Has nothing more fetched. */
    void close() {
        closed = true;
    }

    /**
     * Has something fetched anew for a repository, unless that is under way, or this is closed. Whatever is wrong with
     * it, others have their turn, and the thread that scrubs goes on.
     */
    void heal(Repository repository, ContentKind kind, Digest digest) {
        Piece piece = new Piece(kind, digest);
        if (closed || !underWay.add(piece)) {
            return;
        }
        try {
            healer.heal(repository, kind, digest);
        } catch (RuntimeException | Error e) {
            // Also for want of memory: the others are still to have their turn.
            LOG.error("scrub: {} cannot be fetched anew", digest, e);
        } finally {
            underWay.remove(piece);
        }
    }

    /**
     * Has what lies in quarantine and has not come again fetched anew: what an upstream could not give at the time,
     * what was found without a server, and what was found when it was read. What is left when this is closed is left.
     */
    void again() {
        try {
            for (Quarantine.Bad bad : absent()) {
                if (!closed) {
                    owner(bad.digest()).ifPresent(repository -> heal(repository, bad.kind(), bad.digest()));
                }
            }
        } catch (IOException e) {
            LOG.warn("scrub: what lies in quarantine cannot be listed: {}", e.toString());
        }
    }

    /**
     * What lies in quarantine and is not stored. What has come again once is let go like all else, and not brought back
     * then.
     */
    List<Quarantine.Bad> absent() throws IOException {
        List<Quarantine.Bad> absent = new ArrayList<>();
        List<Quarantine.Bad> contents = store.quarantine().contents();
        healed.retainAll(Set.copyOf(contents));
        for (Quarantine.Bad bad : contents) {
            if (store.isFile(bad.kind(), bad.digest())) {
                healed.add(bad);
            } else if (!healed.contains(bad)) {
                absent.add(bad);
            }
        }
        return absent;
    }
}
