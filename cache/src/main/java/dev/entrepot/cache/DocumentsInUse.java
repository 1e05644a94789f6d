package dev.entrepot.cache;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.entrepot.cache.IndexTables.DocumentKey;
import java.sql.SQLException;
import java.util.Optional;

/**
 * Reads documents from the database, and those that somebody still uses only once: one for which the cache has no room
 * would otherwise be in memory as often as it is asked for at one time. Thread-safe.
 */
final class DocumentsInUse implements WriteBehind.Loader<DocumentKey, KeptDocument> {
    /** What is smaller may be there twice. */
    private static final int LARGE_BYTES = 64 * 1024;

    private final Cache<DocumentKey, KeptDocument> documents =
            Caffeine.newBuilder().weakValues().executor(Runnable::run).build();

    @Override
    public Optional<KeptDocument> load(IndexReader reader, DocumentKey key) throws SQLException {
        KeptDocument known = documents.getIfPresent(key);
        if (known != null && reader.isDocument(key.repository(), key.subject(), known)) {
            return Optional.of(known);
        }
        Optional<KeptDocument> loaded = reader.document(key.repository(), key.subject());
        loaded.filter(document -> document.json().length >= LARGE_BYTES)
                .ifPresent(document -> documents.put(key, document));
        return loaded;
    }
}
