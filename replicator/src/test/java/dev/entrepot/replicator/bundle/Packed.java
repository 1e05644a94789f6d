package dev.entrepot.replicator.bundle;

import dev.entrepot.oci.ByteRange;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Platform;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.MemoryRegistry;
import dev.entrepot.replicator.MemoryRepository;
import dev.entrepot.replicator.graph.ArtifactGraph;
import dev.entrepot.replicator.graph.GraphNode;
import dev.entrepot.replicator.graph.GraphScope;
import dev.entrepot.replicator.graph.GraphWalker;
import dev.entrepot.replicator.graph.ManifestShelf;
import dev.entrepot.replicator.graph.ReferrerFilter;
import dev.entrepot.replicator.graph.RepositoryDiscovery;
import dev.entrepot.replicator.graph.RequestLimit;
import dev.entrepot.replicator.graph.WalkLimits;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPairGenerator;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;

/**
 * Bundles of what is in a registry in memory, for tests of what reads them: written in the plainest way from the plan
 * of the volumes.
 */
final class Packed {
    final Inventory inventory;
    final VolumePlan plan;
    private final Map<Digest, byte[]> content;

    private Packed(Inventory inventory, Optional<BundleKey> key, Map<Digest, byte[]> content) throws IOException {
        byte[] document = InventoryJson.write(inventory);
        this.inventory = inventory;
        this.plan = VolumePlan.of(
                inventory, document, key.isPresent() ? Optional.of(key.get().sign(document)) : Optional.empty());
        this.content = content;
    }

    /** What goes into a bundle. */
    static final class Packing {
        private final MemoryRegistry source;
        private final List<BundledImage> images = new ArrayList<>();
        private final Map<Digest, GraphNode> nodes = new LinkedHashMap<>();
        private final Map<Digest, TreeSet<RepositoryName>> places = new HashMap<>();
        private final Map<Digest, List<BundledManifest.CosignTag>> cosign = new HashMap<>();
        private final Map<Digest, Long> blobs = new LinkedHashMap<>();
        private final Map<Digest, byte[]> content = new HashMap<>();
        private Optional<Receipt> since = Optional.empty();
        private OptionalLong volumeBytes = OptionalLong.empty();
        private Optional<BundleKey> key = Optional.empty();
        private List<Platform> platforms = List.of();

        Packing(MemoryRegistry source) {
            this.source = source;
        }

        Packing ofPlatforms(String... names) {
            platforms = Arrays.stream(names).map(Platform::parse).toList();
            return this;
        }

        Packing image(String repository, String tag) throws IOException {
            MemoryRepository memory = source.repository(repository);
            RepositoryName name = new RepositoryName(repository);
            RepositoryDiscovery discovery = new RepositoryDiscovery(
                    memory,
                    new GraphScope(platforms, ReferrerFilter.ALL),
                    new RequestLimit(8),
                    new ManifestShelf(1 << 20));
            Descriptor root = memory.resolve(new Tag(tag)).orElseThrow();
            ArtifactGraph graph = GraphWalker.walk(discovery, root, WalkLimits.DEFAULT);
            images.add(new BundledImage(memory.repository(), name, new Tag(tag), root.digest()));
            for (GraphNode node : graph.nodes()) {
                nodes.merge(node.digest(), node, Packing::union);
                places.computeIfAbsent(node.digest(), key -> new TreeSet<>()).add(name);
                content.put(node.digest(), memory.fetchManifest(node.digest()).array());
                node.cosignTags()
                        .forEach(tagged -> cosign.computeIfAbsent(node.digest(), d -> new ArrayList<>())
                                .add(new BundledManifest.CosignTag(
                                        name, tagged.tag(), tagged.manifest().digest())));
                for (Descriptor blob : node.blobs()) {
                    blobs.put(blob.digest(), blob.sizeBytes());
                    places.computeIfAbsent(blob.digest(), key -> new TreeSet<>())
                            .add(name);
                    content.put(
                            blob.digest(),
                            memory.openBlob(blob.digest(), ByteRange.ALL).stream()
                                    .readAllBytes());
                }
            }
            return this;
        }

        private static GraphNode union(GraphNode one, GraphNode other) {
            Set<Digest> referrers = new TreeSet<>(one.referrers());
            referrers.addAll(other.referrers());
            return new GraphNode(
                    one.descriptor(),
                    one.children(),
                    one.omitted(),
                    one.blobs(),
                    one.subject(),
                    List.copyOf(referrers),
                    one.cosignTags(),
                    one.types(),
                    one.dangling(),
                    one.fingerprint());
        }

        Packing since(Receipt receipt) {
            since = Optional.of(receipt);
            return this;
        }

        Packing volumes(long bytes) {
            volumeBytes = OptionalLong.of(bytes);
            return this;
        }

        Packing signedBy(Path privateKey) throws IOException {
            key = Optional.of(BundleKey.read(privateKey));
            return this;
        }

        private Placement place(Digest digest) {
            TreeSet<RepositoryName> wanted = places.getOrDefault(digest, new TreeSet<>());
            return since.flatMap(receipt -> wanted.stream()
                            .filter(name -> receipt.holds(name, digest))
                            .findFirst()
                            .or(() -> receipt.held().entrySet().stream()
                                    .filter(held -> held.getValue().contains(digest))
                                    .map(Map.Entry::getKey)
                                    .findFirst()))
                    .<Placement>map(Placement.Held::new)
                    .orElse(new Placement.InVolume(1));
        }

        Packed pack() throws IOException {
            List<BundledManifest> manifests = new ArrayList<>();
            LinkedHashMap<Digest, BundledManifest> byDigest = new LinkedHashMap<>();
            for (GraphNode node : nodes.values()) {
                List<BundledManifest.CosignTag> tags = new ArrayList<>(cosign.getOrDefault(node.digest(), List.of()));
                tags.sort(BundledManifest.CosignTag.ORDER);
                BundledManifest manifest = new BundledManifest(
                        node.descriptor(),
                        List.copyOf(places.getOrDefault(node.digest(), new TreeSet<>())),
                        node.children(),
                        node.omitted().stream().map(Descriptor::digest).toList(),
                        node.blobs().stream().map(Descriptor::digest).toList(),
                        node.subject(),
                        node.referrers().stream().sorted().toList(),
                        tags,
                        place(node.digest()));
                manifests.add(manifest);
                byDigest.put(node.digest(), manifest);
            }
            List<BundledBlob> bundled = new ArrayList<>();
            Set<Digest> seen = new TreeSet<>();
            for (BundledManifest manifest : manifests) {
                for (Digest blob : manifest.blobs()) {
                    if (seen.add(blob)) {
                        bundled.add(new BundledBlob(
                                blob,
                                Optional.ofNullable(blobs.get(blob)).orElseThrow(),
                                List.copyOf(places.getOrDefault(blob, new TreeSet<>())),
                                place(blob)));
                    }
                }
            }
            images.sort(BundledImage.ORDER);
            Inventory whole = new Inventory(
                    1,
                    OptionalLong.empty(),
                    since.isPresent() ? List.of(Digest.sha256(ReceiptJson.write(since.get()))) : List.of(),
                    images,
                    manifests,
                    bundled,
                    Fallbacks.of(byDigest, seen));
            Inventory placed =
                    volumeBytes.isEmpty() ? whole : VolumePlacer.place(whole, volumeBytes.getAsLong(), this::parts);
            for (BundledFallback fallback : placed.fallbacks().values()) {
                content.put(fallback.digest(), placed.fallbackIndex(fallback.subject()));
            }
            return new Packed(placed, key, content);
        }

        /** The same content under another inventory. */
        Packed pack(Inventory inventory) throws IOException {
            return new Packed(inventory, key, content);
        }

        private List<Digest> parts(Digest blob, List<Long> sizes) {
            byte[] bytes = Optional.ofNullable(content.get(blob)).orElseThrow();
            List<Digest> digests = new ArrayList<>();
            int from = 0;
            for (long size : sizes) {
                digests.add(Digest.sha256(Arrays.copyOfRange(bytes, from, from + (int) size)));
                from += (int) size;
            }
            return digests;
        }
    }

    private byte[] bytes(VolumeEntry entry) {
        return switch (entry.content()) {
            case VolumeEntry.Content.Constant constant -> constant.bytes();
            case VolumeEntry.Content.Manifest manifest -> known(manifest.digest());
            case VolumeEntry.Content.Blob blob -> known(blob.digest());
            case VolumeEntry.Content.Fallback fallback -> known(fallback.digest());
            case VolumeEntry.Content.Part part ->
                Arrays.copyOfRange(known(part.blob()), (int) part.offset(), (int) (part.offset() + entry.sizeBytes()));
        };
    }

    private byte[] known(Digest digest) {
        return Optional.ofNullable(content.get(digest)).orElseThrow();
    }

    /** Content that a manifest or blob has instead of its own. */
    Packed lying(Digest digest, byte[] bytes) {
        content.put(digest, bytes);
        return this;
    }

    /** The bytes of a volume as a tar. */
    byte[] tar(int volume) {
        ByteArrayOutputStream tar = new ByteArrayOutputStream();
        for (VolumeEntry entry : plan.entries(volume)) {
            tar.writeBytes(entry.header());
            tar.writeBytes(bytes(entry));
            tar.writeBytes(new byte[entry.paddingBytes()]);
        }
        tar.writeBytes(new byte[VolumePlan.END_BYTES]);
        return tar.toByteArray();
    }

    /** Writes all volumes as tars, and returns where they are, in order. */
    List<Path> tars(Path folder) throws IOException {
        Files.createDirectories(folder);
        List<Path> files = new ArrayList<>();
        for (int volume = 1; volume <= plan.volumes(); volume++) {
            Path file = VolumeNames.of(folder.resolve("bundle.tar"), volume, plan.volumes());
            files.add(Files.write(file, tar(volume)));
        }
        return files;
    }

    /** Writes all volumes as folders. */
    List<Path> folders(Path folder) throws IOException {
        List<Path> folders = new ArrayList<>();
        for (int volume = 1; volume <= plan.volumes(); volume++) {
            Path root = VolumeNames.of(folder.resolve("bundle"), volume, plan.volumes());
            for (VolumeEntry entry : plan.entries(volume)) {
                Path file = root.resolve(entry.name());
                Files.createDirectories(file.getParent());
                Files.write(file, bytes(entry));
            }
            folders.add(root);
        }
        return folders;
    }

    /** Writes a key pair to {@code NAME.pem} and {@code NAME.pub}, and returns the private one. */
    static Path keyPair(Path folder, String name) throws Exception {
        var pair = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
        Base64.Encoder encoder = Base64.getMimeEncoder(64, "\n".getBytes(StandardCharsets.US_ASCII));
        Files.writeString(
                folder.resolve(name + ".pub"),
                "-----BEGIN PUBLIC KEY-----\n"
                        + encoder.encodeToString(pair.getPublic().getEncoded()) + "\n-----END PUBLIC KEY-----\n");
        return Files.writeString(
                folder.resolve(name + ".pem"),
                "-----BEGIN PRIVATE KEY-----\n"
                        + encoder.encodeToString(pair.getPrivate().getEncoded()) + "\n-----END PRIVATE KEY-----\n");
    }

    static List<BundleTrust> trust(Path folder, String name) throws IOException {
        return List.of(BundleTrust.read(folder.resolve(name + ".pub")));
    }
}
