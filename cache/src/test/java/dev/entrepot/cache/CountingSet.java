package dev.entrepot.cache;

import dev.entrepot.oci.Digest;
import java.util.AbstractSet;
import java.util.Collections;
import java.util.Iterator;
import org.jspecify.annotations.Nullable;

/**
 * No digests, and how often somebody asked whether one is among them: once for each that a policy looks at. For one
 * thread.
 */
final class CountingSet extends AbstractSet<Digest> {
    private long asked;

    long asked() {
        return asked;
    }

    @Override
    public boolean contains(@Nullable Object digest) {
        asked++;
        return false;
    }

    @Override
    public Iterator<Digest> iterator() {
        return Collections.emptyIterator();
    }

    @Override
    public int size() {
        return 0;
    }
}
