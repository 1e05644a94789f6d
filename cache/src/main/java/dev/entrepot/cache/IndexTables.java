package dev.entrepot.cache;

import com.github.benmanes.caffeine.cache.Weigher;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.Tag;
import java.util.Optional;

/**
 * The tables of the index that are asked for one thing at a time: how each is read and written, and how much memory it
 * may use.
 */
final class IndexTables {
    private static final long MIB = 1024 * 1024;
    // Key, value and the cache's own share, counted roughly.
    private static final int ENTRY_BYTES = 600;

    /** What a link is found by. */
    record LinkKey(Repository repository, Digest digest) {
        // Written out for speed: looked up in every request.
        @Override
        public int hashCode() {
            return 31 * repository.hashCode() + digest.hashCode();
        }
    }

    /** What a tag is found by. */
    record TagKey(Repository repository, Tag tag) {
        // Written out for speed: looked up in every request.
        @Override
        public int hashCode() {
            return 31 * repository.hashCode() + tag.hashCode();
        }
    }

    /** What a pin is found by. */
    record PinKey(Repository repository, ManifestReference reference) {}

    /** What a document is found by: a referrers list by its subject, the tag list by none. */
    record DocumentKey(Repository repository, Optional<Digest> subject) {}

    /** Links are never deleted. */
    final WriteBehind<LinkKey, Link> links;
    /** Tags. */
    final WriteBehind<TagKey, TagRecord> tags;
    /** What tags named before; never deleted. */
    final WriteBehind<TagKey, TagHistory> tagHistories;
    /** Documents. */
    final WriteBehind<DocumentKey, KeptDocument> documents;
    /** Pins. */
    final WriteBehind<PinKey, Pin> pins;
    /** Stored content. */
    final WriteBehind<Digest, IndexedContent> contents;

    private final IndexReaders readers;
    private final IndexWriter writer;

    /** The tables of a database. */
    IndexTables(IndexReaders readers, IndexWriter writer) {
        this.readers = readers;
        this.writer = writer;
        links = table(
                16 * MIB,
                (key, value) -> ENTRY_BYTES,
                (reader, key) -> reader.link(key.repository(), key.digest()),
                (updates, key, value) -> {
                    if (value.isPresent()) {
                        updates.saveLink(key.repository(), value.get());
                    }
                });
        tags = table(
                4 * MIB,
                (key, value) -> ENTRY_BYTES,
                (reader, key) -> reader.tag(key.repository(), key.tag()),
                (updates, key, value) -> {
                    if (value.isPresent()) {
                        updates.saveTag(key.repository(), key.tag(), value.get());
                    } else {
                        updates.deleteTag(key.repository(), key.tag());
                    }
                });
        tagHistories = table(
                2 * MIB,
                (key, value) -> ENTRY_BYTES
                        + 300 * value.map(history -> history.former().size()).orElse(0),
                (reader, key) -> reader.tagHistory(key.repository(), key.tag()),
                (updates, key, value) -> {
                    if (value.isPresent()) {
                        updates.saveTagHistory(key.repository(), key.tag(), value.get());
                    }
                });
        documents = table(
                16 * MIB,
                (key, value) -> ENTRY_BYTES
                        + value.map(document -> document.json().length).orElse(0),
                new DocumentsInUse(),
                (updates, key, value) -> {
                    if (value.isPresent()) {
                        updates.saveDocument(key.repository(), key.subject(), value.get());
                    } else {
                        updates.deleteDocument(key.repository(), key.subject());
                    }
                });
        pins = table(
                MIB,
                (key, value) -> ENTRY_BYTES,
                (reader, key) -> reader.pin(key.repository(), key.reference()),
                (updates, key, value) -> {
                    if (value.isPresent()) {
                        updates.savePin(value.get());
                    } else {
                        updates.deletePin(key.repository(), key.reference());
                    }
                });
        contents = table(4 * MIB, (key, value) -> ENTRY_BYTES, IndexReader::content, (updates, key, value) -> {
            if (value.isPresent()) {
                updates.saveContent(key, value.get());
            } else {
                updates.deleteContent(key);
            }
        });
    }

    private <K, V> WriteBehind<K, V> table(
            long cacheBytes,
            Weigher<K, Optional<V>> weigher,
            WriteBehind.Loader<K, V> loader,
            WriteBehind.Saver<K, V> saver) {
        return new WriteBehind<>(readers, writer, cacheBytes, weigher, loader, saver);
    }
}
