package dev.entrepot.replicator.bundle;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.DigestAlgorithm;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/** Inventories to test with. */
final class Inventories {
    static final RepositoryName APP = new RepositoryName("team/app");
    static final Digest INDEX = digest("index");
    static final Digest AMD = digest("amd64");
    static final Digest ARM = digest("arm64");
    static final Digest CONFIG = digest("config");
    static final Digest LAYER = digest("layer");
    static final Digest BILL = digest("bill of materials");
    static final Digest SIGNATURE = digest("cosign signature");
    static final Digest PAYLOAD = Digest.of(DigestAlgorithm.SHA512, "payload".getBytes(StandardCharsets.UTF_8));

    private Inventories() {}

    static Digest digest(String text) {
        return Digest.sha256(text.getBytes(StandardCharsets.UTF_8));
    }

    static BundledManifest manifest(Digest digest, MediaType type, List<Digest> children, List<Digest> blobs) {
        return new BundledManifest(
                Descriptor.of(type, digest, 500),
                List.of(APP),
                children,
                List.of(),
                blobs,
                Optional.empty(),
                List.of(),
                List.of(),
                new Placement.InVolume(1));
    }

    /** An index with an image, an omitted child, a referrer and a cosign tag. */
    static Inventory signedImage() {
        BundledManifest amd = manifest(AMD, MediaType.OCI_MANIFEST, List.of(), List.of(CONFIG, LAYER));
        BundledManifest index = new BundledManifest(
                Descriptor.of(MediaType.OCI_INDEX, INDEX, 700),
                List.of(APP),
                List.of(AMD),
                List.of(ARM),
                List.of(),
                Optional.empty(),
                List.of(BILL),
                List.of(new BundledManifest.CosignTag(APP, new Tag("sha256-" + INDEX.encoded() + ".sig"), SIGNATURE)),
                new Placement.InVolume(1));
        BundledManifest bill = new BundledManifest(
                Descriptor.of(MediaType.OCI_MANIFEST, BILL, 300)
                        .asReferrer(Optional.of("application/spdx+json"), Map.of("made by", "a \"tool\"\n\u00e9")),
                List.of(APP),
                List.of(),
                List.of(),
                List.of(PAYLOAD),
                Optional.of(INDEX),
                List.of(),
                List.of(),
                new Placement.InVolume(1));
        BundledManifest signature = manifest(SIGNATURE, MediaType.OCI_MANIFEST, List.of(), List.of(CONFIG));
        List<BundledManifest> manifests = List.of(amd, index, bill, signature);
        List<BundledBlob> blobs = List.of(blob(CONFIG, 3), blob(LAYER, 5000), blob(PAYLOAD, 7));
        return of(manifests, blobs);
    }

    static BundledBlob blob(Digest digest, long bytes) {
        return new BundledBlob(digest, bytes, List.of(APP), new Placement.InVolume(1));
    }

    static Inventory of(List<BundledManifest> manifests, List<BundledBlob> blobs) {
        LinkedHashMap<Digest, BundledManifest> byDigest = new LinkedHashMap<>();
        manifests.forEach(manifest -> byDigest.put(manifest.digest(), manifest));
        List<BundledFallback> fallbacks = Fallbacks.of(
                byDigest, Set.copyOf(blobs.stream().map(BundledBlob::digest).toList()));
        Digest root = byDigest.containsKey(INDEX) ? INDEX : manifests.getLast().digest();
        return new Inventory(
                1,
                OptionalLong.empty(),
                List.of(),
                List.of(new BundledImage(Repository.parse("registry.test/team/app"), APP, new Tag("v1"), root)),
                manifests,
                blobs,
                fallbacks);
    }

    /** One image with layers of these sizes. */
    static Inventory layers(List<Long> sizes) {
        List<Digest> digests = new ArrayList<>();
        List<BundledBlob> blobs = new ArrayList<>();
        for (int i = 0; i < sizes.size(); i++) {
            digests.add(digest("layer " + i));
            blobs.add(blob(digests.getLast(), sizes.get(i)));
        }
        return of(List.of(manifest(AMD, MediaType.OCI_MANIFEST, List.of(), digests)), blobs);
    }
}
