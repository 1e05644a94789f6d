package dev.entrepot.replicator.graph;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.KnownManifests;
import dev.entrepot.oci.ManifestBytes;
import java.util.LinkedHashMap;
import java.util.Optional;

/**
 * The manifests that were read last, up to a number of bytes of memory, so that comparing and copying, and several
 * targets, read each once from a source that keeps nothing itself. Safe for all threads.
 */
public final class ManifestShelf implements KnownManifests {
    // What a manifest takes in memory beside its bytes, roughly; most are small.
    private static final int ENTRY_BYTES = 512;

    private final long capacityBytes;
    private final LinkedHashMap<Digest, ManifestBytes> manifests = new LinkedHashMap<>(16, 0.75f, true);
    private long bytes;

    /** With room for this many bytes. */
    public ManifestShelf(long capacityBytes) {
        this.capacityBytes = capacityBytes;
    }

    /** The manifest, if it is still here. */
    public synchronized Optional<ManifestBytes> get(Digest digest) {
        return Optional.ofNullable(manifests.get(digest));
    }

    /** Keeps the manifest, and lets go of those not asked for longest. */
    public synchronized void put(ManifestBytes manifest) {
        if (manifests.put(manifest.digest(), manifest) == null) {
            bytes += weight(manifest);
        }
        while (bytes > capacityBytes && !manifests.isEmpty()) {
            bytes -= weight(manifests.pollFirstEntry().getValue());
        }
    }

    @Override
    public Optional<ManifestBytes> named(Digest digest) {
        return get(digest);
    }

    @Override
    public Optional<ManifestBytes> listed(Digest digest) {
        return get(digest);
    }

    @Override
    public void fetched(ManifestBytes manifest) {
        put(manifest);
    }

    private static long weight(ManifestBytes manifest) {
        return manifest.sizeBytes() + ENTRY_BYTES;
    }
}
