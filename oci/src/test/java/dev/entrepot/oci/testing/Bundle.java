package dev.entrepot.oci.testing;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestBytes;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A manifest with all that is under it.
 *
 * @param blobs the blobs
 * @param manifests the manifests, children before parents; the last one is the root
 * @param descriptor the root's descriptor as an index entry shows it
 */
public record Bundle(Map<Digest, Content> blobs, List<ManifestBytes> manifests, Descriptor descriptor) {
    /** Copies the collections. */
    public Bundle {
        blobs = Collections.unmodifiableMap(new LinkedHashMap<>(blobs));
        manifests = List.copyOf(manifests);
    }

    /** The root. */
    public ManifestBytes root() {
        return manifests.getLast();
    }

    /** The root's digest. */
    public Digest digest() {
        return root().digest();
    }

    /** The digests of all manifests, children before parents. */
    public List<Digest> manifestDigests() {
        return manifests.stream().map(ManifestBytes::digest).toList();
    }

    /** This bundle with another descriptor of its root, for example with a platform. */
    public Bundle describedAs(Descriptor other) {
        return new Bundle(blobs, manifests, other);
    }

    /** The contents of these bundles under a new root. */
    static Bundle over(List<Bundle> children, Map<Digest, Content> ownBlobs, ManifestBytes root) {
        Map<Digest, Content> blobs = new LinkedHashMap<>();
        List<ManifestBytes> manifests = new ArrayList<>();
        for (Bundle child : children) {
            blobs.putAll(child.blobs());
            manifests.addAll(child.manifests());
        }
        blobs.putAll(ownBlobs);
        manifests.add(root);
        return new Bundle(blobs, manifests, root.descriptor());
    }
}
