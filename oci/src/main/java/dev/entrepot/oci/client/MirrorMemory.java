package dev.entrepot.oci.client;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestReference;
import java.time.Duration;
import java.util.Optional;
import java.util.function.LongSupplier;

/**
 * Which blobs went wrong at the mirrors of a registry lately: a body that broke off goes on elsewhere, and content that
 * turned out to be other than its digest is asked of the registry itself. Safe for all threads.
 */
final class MirrorMemory {
    private static final Duration BROKEN = Duration.ofMinutes(1);
    private static final Duration REFUTED = Duration.ofMinutes(10);
    private static final int MOST = 10_000;

    private final Cache<Body, Boolean> broken;
    private final Cache<Digest, Boolean> refuted;

    private record Body(MirrorEndpoint mirror, Digest digest) {}

    MirrorMemory(LongSupplier nanoTime) {
        this.broken = expiring(BROKEN, nanoTime);
        this.refuted = expiring(REFUTED, nanoTime);
    }

    private static <K> Cache<K, Boolean> expiring(Duration life, LongSupplier nanoTime) {
        return Caffeine.newBuilder()
                .maximumSize(MOST)
                .expireAfterWrite(life)
                .ticker(nanoTime::getAsLong)
                .executor(Runnable::run)
                .build();
    }

    /** A body of the blob from this mirror broke off. */
    void broke(MirrorEndpoint mirror, Digest digest) {
        broken.put(new Body(mirror, digest), true);
    }

    boolean isBroken(MirrorEndpoint mirror, Digest digest) {
        return broken.getIfPresent(new Body(mirror, digest)) != null;
    }

    /** Why a mirror is not asked for something, apart from whether it is there. */
    Optional<String> objection(MirrorEndpoint mirror, ManifestReference reference, boolean blob) {
        if (!mirror.mayAnswer(reference)) {
            return Optional.of("it is believed about digests only");
        }
        if (!blob || !(reference instanceof Digest digest)) {
            return Optional.empty();
        }
        return isRefuted(digest)
                ? Optional.of("what came was not this blob; the registry alone is asked for ten minutes")
                : isBroken(mirror, digest)
                        ? Optional.of("its last body of this blob broke off; it is asked if the registry is out")
                        : Optional.empty();
    }

    /** What came of the blob was not the blob; from which mirror, nobody knows. */
    void refute(Digest digest) {
        refuted.put(digest, true);
    }

    boolean isRefuted(Digest digest) {
        return refuted.getIfPresent(digest) != null;
    }
}
