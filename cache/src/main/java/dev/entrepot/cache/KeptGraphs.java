package dev.entrepot.cache;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.Manifest;
import dev.entrepot.oci.ManifestBytes;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** How much of the graph below a manifest is kept. Referrers are not counted. */
final class KeptGraphs {
    private static final Logger LOG = LoggerFactory.getLogger(KeptGraphs.class);
    /**
     * Manifests below the first that are looked for; more of them count as not kept, and what is below is not counted.
     */
    private static final int MOST = 1000;
    /** Manifests and blobs that are counted. */
    private static final int MOST_NAMED = 100_000;

    private final PullThroughCache cache;

    KeptGraphs(PullThroughCache cache) {
        this.cache = cache;
    }

    /** Of what a tag names. */
    Explanation.KeptGraph of(TagRecord record, Judgement judgement) {
        return cache.keptManifest(record.digest())
                .map(manifest -> of(manifest, Optional.of(record), judgement))
                .orElseGet(() -> new Explanation.KeptGraph(
                        record.digest(),
                        false,
                        Optional.of(record.checkedAt()),
                        judgement.age(record.checkedAt()),
                        Optional.of(record.firstSeenAt()),
                        1,
                        0,
                        0,
                        0,
                        0));
    }

    /** Of a blob that is kept. */
    static Explanation.KeptGraph ofBlob(Digest digest, long bytes) {
        return new Explanation.KeptGraph(
                digest, true, Optional.empty(), Duration.ZERO, Optional.empty(), 0, 0, 1, 1, bytes);
    }

    /** Of a manifest that is kept. */
    Explanation.KeptGraph of(ManifestBytes root, Optional<TagRecord> record, Judgement judgement) {
        Count count = new Count();
        count.walk(root);
        Optional<Instant> confirmedAt = record.map(TagRecord::checkedAt);
        return new Explanation.KeptGraph(
                root.digest(),
                true,
                confirmedAt,
                confirmedAt.map(judgement::age).orElse(Duration.ZERO),
                record.map(TagRecord::firstSeenAt),
                count.manifests.size(),
                count.manifestsKept,
                count.blobs.size(),
                count.blobsKept,
                count.bytesKept);
    }

    private final class Count {
        final Set<Digest> manifests = new HashSet<>();
        final Set<Digest> blobs = new HashSet<>();
        int manifestsKept;
        int blobsKept;
        long bytesKept;

        void walk(ManifestBytes root) {
            Deque<Digest> open = new ArrayDeque<>();
            manifests.add(root.digest());
            look(root, open);
            for (int looked = 0; looked < MOST && !open.isEmpty(); looked++) {
                cache.keptManifest(open.remove()).ifPresent(child -> look(child, open));
            }
        }

        private void look(ManifestBytes manifest, Deque<Digest> open) {
            manifestsKept++;
            bytesKept += manifest.sizeBytes();
            Manifest parsed;
            try {
                parsed = Manifest.parse(manifest);
            } catch (InvalidContentException e) {
                return;
            }
            for (Descriptor blob : parsed.blobs()) {
                if (hasRoom() && blobs.add(blob.digest())) {
                    count(blob.digest());
                }
            }
            for (Descriptor child : parsed.manifests()) {
                if (child.isManifest() && hasRoom() && manifests.add(child.digest())) {
                    open.add(child.digest());
                }
            }
        }

        private boolean hasRoom() {
            return manifests.size() + blobs.size() < MOST_NAMED;
        }

        private void count(Digest blob) {
            try {
                OptionalLong bytes = cache.store().blobSize(blob);
                if (bytes.isPresent()) {
                    blobsKept++;
                    bytesKept += bytes.getAsLong();
                }
            } catch (IOException e) {
                LOG.debug("blob {} cannot be looked at: {}", blob, e.toString());
            }
        }
    }
}
