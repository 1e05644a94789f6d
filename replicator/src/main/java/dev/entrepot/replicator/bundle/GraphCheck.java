package dev.entrepot.replicator.bundle;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.Manifest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.graph.CosignTags;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/**
 * Whether manifests say of themselves what an inventory says of them, so that no edge of a graph is lost or made up by
 * it.
 */
final class GraphCheck {
    private final Inventory inventory;
    private final BundledManifest stated;
    private final Manifest manifest;

    private GraphCheck(Inventory inventory, BundledManifest stated, Manifest manifest) {
        this.inventory = inventory;
        this.stated = stated;
        this.manifest = manifest;
    }

    /**
     * Compares one manifest.
     *
     * @param stated what the inventory says of it
     * @param bytes the manifest itself, whose digest is right
     * @throws BundleException if it is no manifest, or says something else
     */
    static void check(Inventory inventory, BundledManifest stated, ManifestBytes bytes) throws BundleException {
        Manifest manifest;
        try {
            manifest = Manifest.parse(bytes);
        } catch (InvalidContentException e) {
            throw new BundleException("the manifest " + bytes.digest() + " cannot be read: " + e.getMessage(), e);
        }
        Descriptor actual =
                WellFormed.of(bytes.descriptor().asReferrer(manifest.artifactType(), manifest.annotations()));
        GraphCheck check = new GraphCheck(inventory, stated, manifest);
        check.same("description", stated.descriptor(), actual);
        check.same("subject", stated.subject(), manifest.subject().map(Descriptor::digest));
        check.below();
        check.attached();
    }

    // Of a manifest of a type that is not known, nobody can say what it refers to.
    private void attached() throws BundleException {
        Optional<Digest> subject = Optional.of(stated.digest());
        for (Digest digest : stated.referrers()) {
            BundledManifest referrer =
                    Objects.requireNonNull(inventory.manifests().get(digest));
            if (!referrer.subject().equals(subject) && referrer.descriptor().isManifest()) {
                throw new BundleException("the inventory lists " + digest + " among the referrers of " + stated.digest()
                        + ", and it refers to "
                        + referrer.subject().map(Digest::toString).orElse("nothing"));
            }
        }
        List<Tag> possible = CosignTags.of(stated.digest());
        for (BundledManifest.CosignTag tag : stated.cosign()) {
            if (!possible.contains(tag.tag())) {
                throw new BundleException(
                        "the inventory has " + tag.tag() + " among the cosign tags of " + stated.digest());
            }
        }
    }

    // What an index names and the inventory does not list as a manifest is a blob of it, as when it was discovered.
    private void below() throws BundleException {
        Set<Digest> omitted = Set.copyOf(stated.omitted());
        Set<Digest> known = new HashSet<>(stated.children());
        known.addAll(omitted);
        List<Descriptor> children = new ArrayList<>();
        Set<Digest> left = new HashSet<>();
        Map<Digest, Descriptor> blobs = new LinkedHashMap<>();
        for (Descriptor blob : manifest.blobs()) {
            if (!blob.mediaType().isNonDistributable()) {
                blobs.putIfAbsent(blob.digest(), blob);
            }
        }
        Set<Digest> seen = new HashSet<>();
        for (Descriptor child : manifest.manifests()) {
            Digest digest = child.digest();
            if (!seen.add(digest)) {
                continue;
            }
            if (omitted.contains(digest)) {
                left.add(digest);
            } else if (known.contains(digest)) {
                children.add(child);
            } else {
                blobs.putIfAbsent(digest, child);
            }
        }
        same(
                "children",
                stated.children(),
                children.stream().map(Descriptor::digest).toList());
        same("omitted children", omitted, left);
        same("blobs", stated.blobs(), List.copyOf(blobs.keySet()));
        for (Descriptor child : children) {
            childSize(child);
        }
        for (Descriptor blob : blobs.values()) {
            blobSize(blob);
        }
    }

    private void blobSize(Descriptor blob) throws BundleException {
        Optional<Long> size =
                Optional.ofNullable(inventory.blobs().get(blob.digest())).map(BundledBlob::sizeBytes);
        same("size of the blob " + blob.digest(), size, Optional.of(blob.sizeBytes()));
    }

    private void childSize(Descriptor child) throws BundleException {
        Optional<Long> size = Optional.ofNullable(inventory.manifests().get(child.digest()))
                .map(found -> found.descriptor().sizeBytes());
        same("size of the child " + child.digest(), size, Optional.of(child.sizeBytes()));
    }

    private <T> void same(String what, T inInventory, T inManifest) throws BundleException {
        if (!inInventory.equals(inManifest)) {
            throw new BundleException("the manifest " + stated.digest() + " and the inventory do not agree about its "
                    + what + ": the inventory says " + shown(inInventory) + ", the manifest says " + shown(inManifest));
        }
    }

    private static String shown(Object value) {
        String text = value instanceof Optional<?> optional
                ? optional.map(Object::toString).orElse("nothing")
                : value.toString();
        return text.length() <= 300 ? text : text.substring(0, 300) + "...";
    }
}
