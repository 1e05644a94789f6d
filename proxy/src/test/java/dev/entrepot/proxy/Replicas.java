package dev.entrepot.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Manifest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.testing.Bundle;
import dev.entrepot.oci.testing.Corpus;
import dev.entrepot.oci.testing.TestRegistry;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Says what a registry lacks of a set of manifests and blobs, looking at the registry's own state: the contents, and
 * the referrers that it lists by itself or by fallback tags.
 */
final class Replicas {
    private final Map<Digest, ManifestBytes> manifests = new LinkedHashMap<>();
    private final Set<Digest> blobs = new HashSet<>();
    private final Set<Tag> cosignTags = new HashSet<>();

    /** Everything of a corpus that a registry with the referrers API would hold. */
    static Replicas of(Corpus corpus) {
        Replicas replicas = new Replicas();
        Set<Digest> fallback = new HashSet<>();
        corpus.tags().forEach((tag, descriptor) -> {
            if (Corpus.isFallbackTag(tag)) {
                fallback.add(descriptor.digest());
            } else if (tag.value().startsWith("sha256-")) {
                replicas.cosignTags.add(tag);
            }
        });
        corpus.manifests().forEach((digest, manifest) -> {
            if (!fallback.contains(digest)) {
                replicas.manifests.put(digest, manifest);
            }
        });
        replicas.blobs.addAll(corpus.blobs().keySet());
        return replicas;
    }

    /** Everything of bundles. */
    static Replicas of(List<Bundle> bundles) {
        Replicas replicas = new Replicas();
        for (Bundle bundle : bundles) {
            bundle.manifests().forEach(manifest -> replicas.manifests.put(manifest.digest(), manifest));
            replicas.blobs.addAll(bundle.blobs().keySet());
        }
        return replicas;
    }

    /** The digests of its manifests. */
    Set<Digest> manifestDigests() {
        return Set.copyOf(manifests.keySet());
    }

    int manifestCount() {
        return manifests.size();
    }

    /** Asserts that the tag is there and nothing under it or attached to it is missing. */
    void assertComplete(TestRegistry registry, boolean api, String repository, String tag, Digest root)
            throws IOException {
        assertThat(registry.resolve(repository, tag)).contains(root);
        assertThat(lacking(registry, api, repository)).isEmpty();
    }

    /** Asserts the one promise: a tag that is at the root names a complete graph. */
    void assertAbsentOrComplete(TestRegistry registry, boolean api, String repository, String tag, Digest root)
            throws IOException {
        if (registry.resolve(repository, tag).equals(Optional.of(root))) {
            assertThat(lacking(registry, api, repository)).isEmpty();
        }
    }

    /**
     * Everything that the repository lacks.
     *
     * @param api whether the registry keeps track of subjects itself, so that it lists what it holds; else the fallback
     *     tags must
     */
    List<String> lacking(TestRegistry registry, boolean api, String repository) throws IOException {
        List<String> lacking = new ArrayList<>();
        Set<Digest> there = registry.manifests(repository);
        for (ManifestBytes manifest : manifests.values()) {
            if (!there.contains(manifest.digest())) {
                lacking.add("manifest " + manifest.digest());
            }
            Optional<Descriptor> subject = Manifest.parse(manifest).subject();
            boolean listed = api
                    || subject.isEmpty()
                    || isInFallback(registry, repository, subject.get().digest(), manifest.digest());
            if (!listed) {
                lacking.add("fallback entry " + manifest.digest());
            }
        }
        blobs.stream()
                .filter(blob -> registry.blob(repository, blob).isEmpty())
                .forEach(blob -> lacking.add("blob " + blob));
        cosignTags.stream()
                .filter(tag -> registry.resolve(repository, tag.value()).isEmpty())
                .forEach(tag -> lacking.add("tag " + tag));
        return lacking;
    }

    private static boolean isInFallback(TestRegistry registry, String repository, Digest subject, Digest referrer) {
        return registry.manifest(repository, subject.referrersTag()).map(OciJson.mapper()::readTree).stream()
                .flatMap(index -> index.path("manifests").valueStream())
                .anyMatch(entry -> entry.path("digest").asString("").equals(referrer.toString()));
    }
}
