package dev.entrepot.proxy.http;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.MediaType;
import io.helidon.http.Header;
import io.helidon.http.HeaderNames;

/**
 * The headers that describe one manifest, which never change: written once and kept for those asked for lately. Safe
 * for all threads.
 *
 * @param mediaType the type that {@code contentType} names
 * @param contentDigest {@code Docker-Content-Digest}
 * @param etag the digest as a validator
 * @param contentType {@code Content-Type}
 */
record ContentHeaders(MediaType mediaType, Header contentDigest, Header etag, Header contentType) {
    /** Those at hand, by digest. */
    static final class AtHand {
        private static final int MANIFESTS = 10_000;

        private final Cache<Digest, ContentHeaders> byDigest = Caffeine.newBuilder()
                .maximumSize(MANIFESTS)
                .executor(Runnable::run)
                .build();

        /** The headers of a manifest. */
        ContentHeaders of(Descriptor manifest) {
            ContentHeaders known = byDigest.getIfPresent(manifest.digest());
            if (known != null && known.mediaType().equals(manifest.mediaType())) {
                return known;
            }
            ContentHeaders made = describe(manifest);
            byDigest.put(manifest.digest(), made);
            return made;
        }

        private static ContentHeaders describe(Descriptor manifest) {
            return new ContentHeaders(
                    manifest.mediaType(),
                    ReplyHeaders.contentDigest(manifest.digest()),
                    ReplyHeaders.etag(manifest.digest()),
                    ReplyHeaders.checked(
                            HeaderNames.CONTENT_TYPE, manifest.mediaType().value()));
        }
    }
}
