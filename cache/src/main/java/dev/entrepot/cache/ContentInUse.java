package dev.entrepot.cache;

import dev.entrepot.oci.Digest;
import java.util.Set;

/** What is not evicted because somebody is about to ask for it. Safe for all threads. */
interface ContentInUse {
    /** Nothing is. */
    ContentInUse NOTHING = new ContentInUse() {
        @Override
        public boolean isInUse(Digest digest) {
            return false;
        }

        @Override
        public long mostBytes() {
            return 0;
        }

        @Override
        public Set<Digest> all() {
            return Set.of();
        }
    };

    /** Whether this is. */
    boolean isInUse(Digest digest);

    /** No fewer bytes than are in use, told without looking at each piece. */
    long mostBytes();

    /** All that is. */
    Set<Digest> all();
}
