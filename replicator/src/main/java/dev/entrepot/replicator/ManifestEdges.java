package dev.entrepot.replicator;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Manifest;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Which other manifests one names. It never changes, as its digest says what it is.
 *
 * @param subject what it refers to by itself
 * @param children what it lists as an index
 * @param lists those of the children that may list others
 */
record ManifestEdges(Optional<Digest> subject, Set<Digest> children, Set<Digest> lists) {
    ManifestEdges {
        children = Set.copyOf(children);
        lists = Set.copyOf(lists);
    }

    static ManifestEdges of(Manifest manifest) {
        return new ManifestEdges(
                manifest.subject().map(Descriptor::digest),
                manifest.manifests().stream().map(Descriptor::digest).collect(Collectors.toSet()),
                manifest.manifests().stream()
                        .filter(ManifestEdges::mayList)
                        .map(Descriptor::digest)
                        .collect(Collectors.toSet()));
    }

    /** Whether what is described may list other manifests: all that is not known to be an image. */
    static boolean mayList(Descriptor manifest) {
        return !manifest.mediaType().isImageManifest();
    }

    /** Whether it names no other. */
    boolean isEmpty() {
        return subject.isEmpty() && children.isEmpty();
    }
}
