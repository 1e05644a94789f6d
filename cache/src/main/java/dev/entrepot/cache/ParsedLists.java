package dev.entrepot.cache;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.entrepot.oci.Referrers;
import dev.entrepot.oci.Tag;
import java.util.List;
import java.util.Optional;

/**
 * The lists that documents of the index hold, each made once for all who use it at one time: what is long is asked for
 * by many at once, and a list in memory is larger than its document. Nothing is held that nobody uses. Thread-safe.
 */
final class ParsedLists {
    // Weak keys are compared by identity: a document that replaces another is another key.
    private final Cache<KeptDocument, KeptTags> tags = inUse();
    private final Cache<KeptDocument, Referrers> referrers = inUse();

    private static <V> Cache<KeptDocument, V> inUse() {
        return Caffeine.newBuilder()
                .weakKeys()
                .weakValues()
                .executor(Runnable::run)
                .build();
    }

    /** The tags of a document, in order; empty if it cannot be read. */
    Optional<List<Tag>> tags(KeptDocument document) {
        return Optional.ofNullable(tags.get(document, key -> KeptTags.read(key).orElse(null)));
    }

    /** The referrers of a document; empty if it cannot be read. */
    Optional<Referrers> referrers(KeptDocument document) {
        return Optional.ofNullable(referrers.get(
                document, key -> ListCache.readReferrers(key.json()).orElse(null)));
    }
}
