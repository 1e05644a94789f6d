package dev.entrepot.replicator;

import dev.entrepot.config.NamePattern;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.DigestAlgorithm;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.Manifest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.testing.Bundle;
import dev.entrepot.oci.testing.Content;
import dev.entrepot.oci.testing.Feature;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.TestRegistry;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What runs that are killed copy: three images for two platforms in two repositories with one platform in common, each
 * with a bill of materials, a signature on that, a signature on one platform, and a cosign tag. Tells what a registry
 * lacks of them by what that registry holds.
 */
final class CrashFleet {
    private static final String[] REPOSITORIES = {"app", "team/base"};

    private final List<Image> images = new ArrayList<>();

    /** One image: the user's tag and everything that belongs under it. */
    private record Image(
            String repository,
            String tag,
            Bundle root,
            List<Bundle> attached,
            Map<Digest, Set<Digest>> referrers,
            Map<String, Digest> cosignTags) {}

    CrashFleet() {
        Images maker = new Images(11);
        Bundle shared = maker.image(3000, 500);
        images.add(image(maker, REPOSITORIES[0], "v0", shared));
        images.add(image(maker, REPOSITORIES[0], "v1", shared));
        images.add(image(maker, REPOSITORIES[1], "v1", shared));
    }

    private static Image image(Images maker, String repository, String tag, Bundle shared) {
        Bundle other = maker.image(2000, 700);
        Bundle root = maker.indexOf(List.of(shared, other));
        Bundle sbom = maker.referrer(root.descriptor(), "example/sbom", Map.of());
        Bundle signed = maker.referrer(sbom.descriptor(), "example/signature", Map.of());
        Bundle platform = maker.referrer(other.descriptor(), "example/signature", Map.of("on", "a platform"));
        Bundle cosign = maker.cosign("application/vnd.dev.cosign.simplesigning.v1+json");
        return new Image(
                repository,
                tag,
                root,
                List.of(sbom, signed, platform, cosign),
                Map.of(
                        root.digest(), Set.of(sbom.digest()),
                        sbom.digest(), Set.of(signed.digest()),
                        other.digest(), Set.of(platform.digest())),
                Map.of(Images.cosignTag(root.digest(), "sig"), cosign.digest()));
    }

    void loadInto(TestRegistry source) {
        for (Image image : images) {
            source.push(image.repository(), image.root(), image.tag());
            image.attached().forEach(bundle -> source.push(image.repository(), bundle));
            image.cosignTags().forEach((tag, digest) -> source.tag(image.repository(), tag, digest));
        }
    }

    /** The rule that copies it, reading through a cache in a folder. */
    static Rules rules(HttpRegistries registries, Path cache, URI source, List<URI> targets) throws IOException {
        Rules rules = new Rules(registries.cached(source, cache));
        rules.repositories = List.of(NamePattern.parse(REPOSITORIES[0]), NamePattern.parse(REPOSITORIES[1]));
        for (URI target : targets) {
            rules.to(registries.target(target));
        }
        return rules;
    }

    /** Copies it in this process, as in production: with the journal and the cache in one folder. */
    static ReplicationReport run(Path journal, URI source, List<URI> targets) throws IOException {
        try (HttpRegistries registries = new HttpRegistries();
                Engine engine = new Engine(journal)) {
            return engine.run(rules(registries, journal.resolve("cache"), source, targets));
        }
    }

    /** The number of images, each with one tag. */
    int size() {
        return images.size();
    }

    /** How many of the tags are at the target. */
    int tagsAt(TestRegistry target) {
        return (int) images.stream()
                .filter(image -> target.resolve("mirror/" + image.repository(), image.tag())
                        .isPresent())
                .count();
    }

    /** What the target lacks of the images whose tags it shows; empty if no tag is there whose graph is incomplete. */
    List<String> lackingUnderTags(TestRegistry target) throws IOException {
        List<String> lacking = new ArrayList<>();
        for (Image image : images) {
            Optional<Digest> there = target.resolve("mirror/" + image.repository(), image.tag());
            if (there.isPresent()) {
                if (!there.get().equals(image.root().digest())) {
                    lacking.add(image.tag() + " is at " + there.get());
                }
                lacking.addAll(lacking(target, image));
            }
        }
        return lacking;
    }

    /** What the target lacks of the image with this tag, wherever the tag is. */
    List<String> lackingUnder(TestRegistry target, String targetRepository, String tag) throws IOException {
        for (Image image : images) {
            if (("mirror/" + image.repository()).equals(targetRepository)
                    && image.tag().equals(tag)) {
                return lacking(target, image);
            }
        }
        return List.of();
    }

    private static List<String> lacking(TestRegistry target, Image image) throws IOException {
        String repository = "mirror/" + image.repository();
        String where = repository + ":" + image.tag() + " ";
        List<String> lacking = new ArrayList<>();
        List<Bundle> bundles = new ArrayList<>(image.attached());
        bundles.add(image.root());
        for (Bundle bundle : bundles) {
            bundle.blobs().forEach((digest, content) -> {
                Optional<Content> blob = target.blob(repository, digest);
                if (blob.isEmpty() || !blob.get().digest(digest.algorithm()).equals(digest)) {
                    lacking.add(where + "blob " + digest);
                }
            });
            for (ManifestBytes manifest : bundle.manifests()) {
                Optional<byte[]> bytes = target.manifest(repository, manifest.digest());
                if (bytes.isEmpty() || !Digest.sha256(bytes.get()).equals(manifest.digest())) {
                    lacking.add(where + "manifest " + manifest.digest());
                }
            }
        }
        for (Map.Entry<Digest, Set<Digest>> entry : image.referrers().entrySet()) {
            Set<Digest> listed = listed(target, repository, entry.getKey());
            entry.getValue().stream()
                    .filter(digest -> !listed.contains(digest))
                    .forEach(digest -> lacking.add(where + "referrer " + digest + " of " + entry.getKey()));
        }
        image.cosignTags().forEach((tag, digest) -> {
            if (!target.resolve(repository, tag).equals(Optional.of(digest))) {
                lacking.add(where + "tag " + tag);
            }
        });
        return lacking;
    }

    /**
     * The referrers that a client would find: from the API's own records where it lists them, else by the fallback tag.
     */
    private static Set<Digest> listed(TestRegistry target, String repository, Digest subject) throws IOException {
        if (target.abilities().has(Feature.REFERRERS_LISTED)) {
            Map<Digest, Manifest> manifests = new HashMap<>();
            for (Digest digest : target.manifests(repository)) {
                manifests.put(
                        digest, manifest(target.manifest(repository, digest).orElseThrow()));
            }
            return manifests.entrySet().stream()
                    .filter(entry ->
                            entry.getValue().subject().map(Descriptor::digest).equals(Optional.of(subject)))
                    .map(Map.Entry::getKey)
                    .collect(Collectors.toSet());
        }
        Optional<byte[]> fallback = target.manifest(repository, subject.referrersTag());
        return fallback.isEmpty()
                ? Set.of()
                : manifest(fallback.get()).manifests().stream()
                        .map(Descriptor::digest)
                        .collect(Collectors.toSet());
    }

    private static Manifest manifest(byte[] bytes) throws InvalidContentException {
        String text = new String(bytes, StandardCharsets.UTF_8);
        MediaType type = text.contains("\"manifests\"") ? MediaType.OCI_INDEX : MediaType.OCI_MANIFEST;
        return Manifest.parse(ManifestBytes.of(type, DigestAlgorithm.SHA256, bytes));
    }
}
