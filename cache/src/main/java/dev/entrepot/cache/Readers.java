package dev.entrepot.cache;

import java.util.Optional;

/**
 * Who reads a repository. What an upstream answers and fails to answer is shared among readers who are alike; who shows
 * a credential of their own is like nobody else, since an upstream may refuse one what it gives another. And who asks
 * behind clients waits for his turn first, which is no business of those before him.
 *
 * @param alwaysAsking whether they must know what is so now
 * @param behind whether the upstream is asked behind all clients
 * @param credential stands for the credential that the upstream is asked with, where it is the reader's own; equal for
 *     the same one, and shows nothing of it
 */
record Readers(boolean alwaysAsking, boolean behind, Optional<Object> credential) {
    /** Clients, who are all alike. */
    static final Readers CLIENTS = new Readers(false, false, Optional.empty());

    /** Who takes what clients get, and lets them go first: an export through a server without {@code --keep}. */
    static final Readers BEHIND = new Readers(false, true, Optional.empty());

    /** Replication, and what else must know what is so now. */
    static final Readers CURRENT = new Readers(true, true, Optional.empty());

    /** A client for whom the upstream is asked with a credential of its own. */
    static Readers showing(Object credential) {
        return new Readers(false, false, Optional.of(credential));
    }
}
