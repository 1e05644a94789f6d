package dev.entrepot.replicator.bundle;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.replicator.ReplicationRunner.Wanted;
import dev.entrepot.replicator.bundle.ImportReport.Waiting;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * What an import has at hand, and what it lacks.
 *
 * @param bundle its volumes at hand
 * @param kept what earlier volumes brought
 */
record ImportStock(Bundle bundle, KeptManifests kept) {
    /** What neither the volumes at hand nor earlier ones brought here, and no receipt says that the target has. */
    Set<Wanted> absent(List<ImageClosure> closures) throws IOException {
        Set<Wanted> absent = new LinkedHashSet<>();
        for (ImageClosure closure : closures) {
            RepositoryName repository = closure.image().repository();
            for (BundledManifest manifest : closure.manifests()) {
                if (!isHeld(manifest.placement()) && !isHere(manifest)) {
                    absent.add(wanted(repository, manifest));
                }
            }
            for (BundledBlob blob : closure.blobs()) {
                if (!isHeld(blob.placement()) && !bundle.has(blob)) {
                    absent.add(wanted(repository, blob));
                }
            }
        }
        return absent;
    }

    private boolean isHere(BundledManifest manifest) throws IOException {
        return bundle.has(manifest) || kept.has(manifest);
    }

    private static boolean isHeld(Placement placement) {
        return placement instanceof Placement.Held;
    }

    /**
     * The volumes that an image still needs, if it does.
     *
     * @param there what of {@link #absent} the target has
     */
    Optional<Waiting> lacks(ImageClosure closure, Set<Wanted> there) throws IOException {
        SortedSet<Integer> volumes = new TreeSet<>();
        List<Digest> split = new ArrayList<>();
        RepositoryName repository = closure.image().repository();
        for (BundledManifest manifest : closure.manifests()) {
            if (manifest.placement() instanceof Placement.InVolume in
                    && !isHere(manifest)
                    && !there.contains(wanted(repository, manifest))) {
                volumes.add(in.volume());
            }
        }
        for (BundledBlob blob : closure.blobs()) {
            if (!bundle.has(blob) && !there.contains(wanted(repository, blob))) {
                switch (blob.placement()) {
                    case Placement.InVolume in -> volumes.add(in.volume());
                    case Placement.InParts in -> {
                        in.parts().forEach(part -> volumes.add(part.volume()));
                        split.add(blob.digest());
                    }
                    case Placement.Held held -> {}
                }
            }
        }
        return volumes.isEmpty() ? Optional.empty() : Optional.of(new Waiting(closure.image(), volumes, split));
    }

    /** The blobs of an image that are at hand. */
    List<Wanted> blobs(ImageClosure closure) {
        return closure.blobs().stream()
                .filter(bundle::has)
                .map(blob -> wanted(closure.image().repository(), blob))
                .toList();
    }

    static Wanted wanted(RepositoryName repository, BundledManifest manifest) {
        return wanted(repository, manifest.digest(), manifest.descriptor().sizeBytes(), true);
    }

    static Wanted wanted(RepositoryName repository, BundledBlob blob) {
        return wanted(repository, blob.digest(), blob.sizeBytes(), false);
    }

    // Types make no difference to what is asked.
    static Wanted wanted(RepositoryName repository, Digest digest, long sizeBytes, boolean manifest) {
        return new Wanted(repository, Descriptor.of(MediaType.OCTET_STREAM, digest, sizeBytes), manifest);
    }
}
