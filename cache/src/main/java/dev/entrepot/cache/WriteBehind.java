package dev.entrepot.cache;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Weigher;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * One table of the index, as its users see it: what was put is read back at once, long before it is committed. An empty
 * value says that there is nothing under the key. Safe for all threads.
 *
 * <p>Three layers are asked in turn: the values that are not committed yet, the cache, the database. They never
 * contradict each other, because a value moves in one order only: it is <em>pending</em> from {@link #put} on; when the
 * transaction has committed, the writer puts it into the cache, and only then takes it from the pending ones. A reader
 * that found nothing pending may have read the database just before that commit; but the cache loads a key and takes a
 * value for it one after the other, so that what the writer puts comes after what such a reader loads. Of two values
 * for one key the later one replaces the earlier among the pending, and is written after it. Values that are rolled
 * back stay pending.
 */
final class WriteBehind<K, V> {
    /** Reads a value from the database. */
    @FunctionalInterface
    interface Loader<K, V> {
        /** The committed value. */
        Optional<V> load(IndexReader reader, K key) throws SQLException;
    }

    /** Writes a value to the database. */
    @FunctionalInterface
    interface Saver<K, V> {
        /** Writes it within the transaction; nothing to be under the key if the value is empty. */
        void save(IndexUpdates updates, K key, Optional<V> value) throws SQLException;
    }

    // The weight of what was not admitted.
    private static final int UNASKED = -1;

    private final IndexReaders readers;
    private final IndexWriter writer;
    private final Loader<K, V> loader;
    private final Saver<K, V> saver;
    private final Weigher<K, Optional<V>> weigher;
    private final ConcurrentHashMap<K, Pending> pending = new ConcurrentHashMap<>();
    private final Cache<K, Optional<V>> cache;

    /**
     * A table.
     *
     * @param cacheBytes the most that the cache holds, by {@code weigher}
     * @param weigher the rough size of key and value in memory, in bytes
     */
    WriteBehind(
            IndexReaders readers,
            IndexWriter writer,
            long cacheBytes,
            Weigher<K, Optional<V>> weigher,
            Loader<K, V> loader,
            Saver<K, V> saver) {
        this.readers = readers;
        this.writer = writer;
        this.loader = loader;
        this.saver = saver;
        this.weigher = weigher;
        this.cache = Caffeine.newBuilder()
                .maximumWeight(cacheBytes)
                .weigher(weigher)
                .executor(Runnable::run)
                .build();
    }

    /**
     * The value under the key. A database that cannot be read counts as one that knows nothing: the upstream will be
     * asked.
     */
    Optional<V> get(K key) {
        Pending change = pending.get(key);
        return change != null ? change.value : committed(key);
    }

    private Optional<V> committed(K key) {
        try {
            return cache.get(key, this::load);
        } catch (UncheckedIOException e) {
            writer.failedToRead(e);
            return Optional.empty();
        }
    }

    private Optional<V> load(K key) {
        try {
            return readers.ask(reader -> loader.load(reader, key));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Sets the value under the key, waiting a little while very much is pending. If the database takes nothing for
     * long, the value is only remembered for as long as the cache has room; after that what the database has is under
     * the key again. So what must not come back is {@linkplain #remove removed}.
     */
    void put(K key, Optional<V> value) {
        int weight = weigher.weigh(key, value);
        boolean admitted = writer.admit(weight);
        pending.compute(
                key, (same, last) -> admitted ? enqueued(new Pending(key, value, weight)) : onlyRemembered(key, value));
    }

    /**
     * Replaces the value under the key by what {@code change} makes of it, as one step, unless that is the same. Waits
     * and forgets as {@link #put} does.
     *
     * @param change called once or twice; must not use this table, nor make values of different weights
     */
    void merge(K key, UnaryOperator<Optional<V>> change) {
        Optional<V> seen = get(key);
        Optional<V> wanted = change.apply(seen);
        if (wanted.equals(seen)) {
            return;
        }
        int weight = weigher.weigh(key, wanted);
        boolean admitted = writer.admit(weight);
        pending.compute(key, (same, last) -> {
            Optional<V> before = before(key, last);
            Optional<V> value = change.apply(before);
            if (!admitted) {
                return onlyRemembered(key, value);
            }
            if (value.equals(before)) {
                writer.giveBack(weight);
                return last;
            }
            return enqueued(new Pending(key, value, weight));
        });
    }

    /**
     * Replaces the value under the key by what {@code change} makes of it, as one step, never waiting for the database
     * to write. It is kept until that is done, however long the disk refuses; what the database itself refuses, as one
     * that is damaged does, is only remembered for as long as the cache has room, and counts as lost.
     *
     * @param change called once; must not use this table
     * @return what is under the key now
     */
    Optional<V> update(K key, UnaryOperator<Optional<V>> change) {
        Pending now = pending.compute(key, (same, last) -> {
            Pending next = new Pending(key, change.apply(before(key, last)), UNASKED);
            writer.enqueueContent(next);
            return next;
        });
        return now.value;
    }

    /**
     * Has nothing under the key, if there is anything, never waiting for the database to write. As {@link #update} has
     * it, that is kept until it is done, so that what was there does not come back meanwhile.
     */
    void remove(K key) {
        pending.compute(key, (same, last) -> {
            if (before(key, last).isEmpty()) {
                return last;
            }
            Pending next = new Pending(key, Optional.empty(), UNASKED);
            writer.enqueueContent(next);
            return next;
        });
    }

    /**
     * Makes good what the cache has under the key for what has been committed past this table, or is just loading,
     * which may have been read before. What is loaded later is so by itself.
     */
    void amend(K key, UnaryOperator<V> change) {
        // Not only if present: that does not wait for a load.
        cache.asMap().compute(key, (same, value) -> value == null ? null : value.map(change));
    }

    private Optional<V> before(K key, @Nullable Pending last) {
        return last != null ? last.value : committed(key);
    }

    private @Nullable Pending onlyRemembered(K key, Optional<V> value) {
        cache.put(key, value);
        return null;
    }

    // While the key is held, so that the values of one key reach the writer in the order in which they replace each
    // other.
    private Pending enqueued(Pending change) {
        writer.enqueue(change);
        return change;
    }

    /** Whether a value for this key waits to be committed. */
    boolean isPending(K key) {
        return pending.containsKey(key);
    }

    /** Whether a value for any key does. */
    boolean isPending() {
        return !pending.isEmpty();
    }

    /**
     * The values that wait to be committed. For lists: ask this first and the database second, and a value cannot fall
     * in between.
     */
    Map<K, Optional<V>> pending() {
        Map<K, Optional<V>> copy = new HashMap<>();
        pending.forEach((key, change) -> copy.put(key, change.value));
        return copy;
    }

    /** A value on its way to the database. */
    private final class Pending implements IndexChange {
        private final K key;
        private final Optional<V> value;
        private final int weight;

        Pending(K key, Optional<V> value, int weight) {
            this.key = key;
            this.value = value;
            this.weight = weight;
        }

        @Override
        public int admittedBytes() {
            return weight == UNASKED ? 0 : weight;
        }

        @Override
        public void save(IndexUpdates updates) throws SQLException {
            saver.save(updates, key, value);
        }

        @Override
        public void settled() {
            try {
                pending.computeIfPresent(key, (same, last) -> {
                    if (last == this) {
                        remember();
                    }
                    return last == this ? null : last;
                });
            } finally {
                if (weight == UNASKED) {
                    writer.settledContent();
                }
            }
        }

        // For want of memory nothing is remembered, and least of all what was before; the database has the value. Else
        // it would be pending for good, since nothing is settled twice.
        private void remember() {
            try {
                cache.put(key, value);
            } catch (OutOfMemoryError e) {
                cache.invalidate(key);
            }
        }

        @Override
        public String toString() {
            return "change of " + key;
        }
    }
}
