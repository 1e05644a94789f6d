package dev.entrepot.oci.client;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.Tag;
import java.util.Optional;

/**
 * What tags named when they were last fetched whole, with the {@code ETag} of that answer (RFC 9110, section 8.8.3):
 * where a registry does not answer HEAD, the next check of the tag need not fetch the manifest again if it is the same.
 * Safe for all threads.
 */
final class Validators {
    private static final int MOST = 10_000;
    private static final int LONGEST = 256;

    private final Cache<Named, Validated> known =
            Caffeine.newBuilder().maximumSize(MOST).executor(Runnable::run).build();

    // Whether a repository has sent one with a manifest.
    private final Cache<Repository, Boolean> offers =
            Caffeine.newBuilder().maximumSize(MOST).executor(Runnable::run).build();

    private record Named(Repository repository, Tag tag) {}

    /**
     * What a tag named.
     *
     * @param etag the validator, as it was sent
     * @param descriptor what it named then
     */
    record Validated(String etag, Descriptor descriptor) {}

    Optional<Validated> of(Repository repository, Tag tag) {
        return Optional.ofNullable(known.getIfPresent(new Named(repository, tag)));
    }

    /** The validator of an answer, if it is a strong one. */
    static Optional<String> strong(ApiResponse response) {
        return response.header("ETag")
                .filter(text -> text.startsWith("\"") && text.length() > 2 && text.length() <= LONGEST);
    }

    /** Remembers an answer, if it has a strong validator: a weak one may stand for other bytes. */
    void remember(Repository repository, Tag tag, ApiResponse response, Descriptor descriptor) {
        Optional<String> etag = strong(response);
        if (etag.isPresent()) {
            known.put(new Named(repository, tag), new Validated(etag.get(), descriptor));
        } else {
            known.invalidate(new Named(repository, tag));
        }
    }

    /** Takes note of whether the answer that shows a manifest has a strong validator. One that had one is enough. */
    void saw(Repository repository, ApiResponse response) {
        if (strong(response).isPresent()) {
            offers.put(repository, true);
        } else {
            offers.asMap().putIfAbsent(repository, false);
        }
    }

    /** Whether a repository has sent a strong validator with a manifest; empty if none was asked for yet. */
    Optional<Boolean> offers(Repository repository) {
        return Optional.ofNullable(offers.getIfPresent(repository));
    }
}
