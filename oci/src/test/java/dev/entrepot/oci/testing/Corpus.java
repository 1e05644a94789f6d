package dev.entrepot.oci.testing;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.Manifest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.Tag;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Predicate;

/**
 * One of the OCI layouts of {@code deploy/interop/corpus}: real images with real signatures, described in the README
 * there. The layers stay in the archive and are read from it. Immutable.
 *
 * @param tags what the layout's {@code index.json} names
 * @param manifests all manifests that can be reached from there, including those that only a fallback tag lists
 * @param blobs everything else
 */
public record Corpus(Map<Tag, Descriptor> tags, Map<Digest, ManifestBytes> manifests, Map<Digest, Content> blobs) {
    private static final String REF_NAME = "org.opencontainers.image.ref.name";

    /**
     * An image for two platforms, with signatures by cosign and notation, bills of materials, and a signature on one of
     * those.
     */
    public static Corpus netMonitor() {
        return read(locate().resolve("net-monitor.oci.tar"));
    }

    /** An artifact that is no image: one YAML file. */
    public static Corpus namespaceArtifact() {
        return read(locate().resolve("namespace-artifact.oci.tar"));
    }

    /**
     * The folder of the corpus, found from the working directory of any module.
     *
     * @throws IllegalStateException if the working directory is not within the project
     */
    public static Path locate() {
        Path start = Path.of("").toAbsolutePath();
        for (Path folder = start; folder != null; folder = folder.getParent()) {
            Path corpus = folder.resolve("deploy/interop/corpus");
            if (Files.isDirectory(corpus)) {
                return corpus;
            }
        }
        throw new IllegalStateException("no deploy/interop/corpus above " + start);
    }

    /** The digest that a tag names. */
    public Digest digest(String tag) {
        return Optional.ofNullable(tags.get(new Tag(tag))).orElseThrow().digest();
    }

    /** Whether this is the fallback tag of the referrers of some digest; not so the tags of cosign. */
    public static boolean isFallbackTag(Tag tag) {
        return tag.value().matches("sha256-[0-9a-f]{64}");
    }

    /** Puts everything into a repository, with all tags. */
    public void loadInto(TestRegistry registry, String repository) {
        loadInto(registry, repository, _ -> true);
    }

    /**
     * Puts everything into a repository, but of the tags only those wanted, and not the manifests that only unwanted
     * tags name: without {@linkplain #isFallbackTag fallback tags}, the content of a registry that always had the
     * referrers API.
     */
    public void loadInto(TestRegistry registry, String repository, Predicate<Tag> wanted) {
        Set<Digest> unwanted = new HashSet<>();
        tags.forEach((tag, descriptor) -> {
            if (!wanted.test(tag)) {
                unwanted.add(descriptor.digest());
            }
        });
        tags.forEach((tag, descriptor) -> {
            if (wanted.test(tag)) {
                unwanted.remove(descriptor.digest());
            }
        });
        manifests
                .values()
                .forEach(manifest -> references(manifest).manifests().forEach(child -> {
                    if (!unwanted.contains(manifest.digest())) {
                        unwanted.remove(child.digest());
                    }
                }));
        blobs.forEach((digest, content) -> registry.pushBlob(repository, digest, content));
        manifests.values().stream()
                .filter(manifest -> !unwanted.contains(manifest.digest()))
                .forEach(manifest ->
                        registry.pushManifest(repository, manifest.digest(), manifest.mediaType(), manifest.array()));
        tags.forEach((tag, descriptor) -> {
            if (wanted.test(tag)) {
                registry.tag(repository, tag.value(), descriptor.digest());
            }
        });
    }

    private static Corpus read(Path tar) {
        try {
            Map<String, Content> files = TarIndex.read(tar);
            Map<Tag, Descriptor> tags = new TreeMap<>();
            Map<Digest, ManifestBytes> manifests = new LinkedHashMap<>();
            Deque<Descriptor> pending = new ArrayDeque<>();
            Content index = Optional.ofNullable(files.get("index.json")).orElseThrow();
            Manifest root = references(ManifestBytes.of(MediaType.OCI_INDEX, index.bytes()));
            for (Descriptor entry : root.manifests()) {
                Optional.ofNullable(entry.annotations().get(REF_NAME))
                        .ifPresent(name -> tags.put(new Tag(name), entry));
                pending.add(entry);
            }
            while (!pending.isEmpty()) {
                Descriptor next = pending.remove();
                if (!manifests.containsKey(next.digest())) {
                    byte[] bytes = blob(files, next.digest()).bytes();
                    ManifestBytes manifest = ManifestBytes.verified(next.mediaType(), next.digest(), bytes);
                    manifests.put(next.digest(), manifest);
                    pending.addAll(references(manifest).manifests());
                }
            }
            Map<Digest, Content> blobs = new LinkedHashMap<>();
            files.forEach((name, content) -> {
                if (name.startsWith("blobs/")) {
                    blobs.put(Digest.parse(name.substring(6).replace('/', ':')), content);
                }
            });
            blobs.keySet().removeAll(manifests.keySet());
            return new Corpus(tags, manifests, blobs);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read " + tar, e);
        }
    }

    private static Content blob(Map<String, Content> files, Digest digest) {
        return Optional.ofNullable(files.get("blobs/" + digest.algorithm() + "/" + digest.encoded()))
                .orElseThrow();
    }

    private static Manifest references(ManifestBytes manifest) {
        try {
            return Manifest.parse(manifest);
        } catch (InvalidContentException e) {
            throw new UncheckedIOException(e);
        }
    }
}
