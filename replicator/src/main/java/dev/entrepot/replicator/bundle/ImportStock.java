package dev.entrepot.replicator.bundle;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.replicator.ReplicationRunner.Wanted;
import dev.entrepot.replicator.bundle.ImportReport.Waiting;
import java.io.IOException;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * What an import has at hand, and what it lacks.
 *
 * @param bundle its volumes at hand, and parts of blobs that earlier volumes brought
 * @param kept the manifests that earlier volumes brought
 */
record ImportStock(Bundle bundle, KeptManifests kept) {
    /** A part of a blob. Its digest does not tell it from others: of a disk image many parts are nothing but zeros. */
    record PartOf(Digest blob, int number) {}

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
                    case Placement.InParts in -> volumes.addAll(lacking(blob, in.parts()));
                    case Placement.Held held -> {}
                }
            }
        }
        return volumes.isEmpty() ? Optional.empty() : Optional.of(new Waiting(closure.image(), volumes));
    }

    private Set<Integer> lacking(BundledBlob blob, List<Placement.Part> parts) {
        Set<Integer> volumes = new TreeSet<>();
        for (int number = 1; number <= parts.size(); number++) {
            if (!bundle.hasPart(blob.digest(), number)) {
                volumes.add(parts.get(number - 1).volume());
            }
        }
        return volumes;
    }

    /**
     * Keeps the parts in the volumes of this import of blobs of which others are still to come.
     *
     * @param there what of {@link #absent} the target has
     * @param given the volumes of this import
     * @param kept the parts that are kept and were found to be right; more are added
     */
    void keepParts(ImageClosure closure, Set<Wanted> there, Bundle given, KeptParts parts, Set<PartOf> kept)
            throws IOException {
        RepositoryName repository = closure.image().repository();
        for (BundledBlob blob : closure.blobs()) {
            if (blob.placement() instanceof Placement.InParts in
                    && !bundle.has(blob)
                    && !there.contains(wanted(repository, blob))) {
                for (int number = 1; number <= in.parts().size(); number++) {
                    Placement.Part part = in.parts().get(number - 1);
                    Optional<Slice> slice = given.part(blob.digest(), number);
                    PartOf one = new PartOf(blob.digest(), number);
                    if (slice.isPresent()
                            && !kept.contains(one)
                            && parts.keep(blob.digest(), number, part, slice.get())) {
                        kept.add(one);
                    }
                }
            }
        }
    }

    /** The blobs of an image that are at hand. */
    List<Wanted> blobs(ImageClosure closure) {
        return closure.blobs().stream()
                .filter(bundle::has)
                .map(blob -> wanted(closure.image().repository(), blob))
                .toList();
    }

    /** A manifest, as it is asked for in a repository of the source's name. */
    static Wanted wanted(RepositoryName repository, BundledManifest manifest) {
        return wanted(repository, manifest.digest(), manifest.descriptor().sizeBytes(), true);
    }

    /** A blob, as it is asked for. */
    static Wanted wanted(RepositoryName repository, BundledBlob blob) {
        return wanted(repository, blob.digest(), blob.sizeBytes(), false);
    }

    /** A node, as it is asked for: types make no difference to that. */
    static Wanted wanted(RepositoryName repository, Digest digest, long sizeBytes, boolean manifest) {
        return new Wanted(repository, Descriptor.of(MediaType.OCTET_STREAM, digest, sizeBytes), manifest);
    }
}
