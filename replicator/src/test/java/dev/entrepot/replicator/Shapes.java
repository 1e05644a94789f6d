package dev.entrepot.replicator;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.DigestAlgorithm;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.Manifest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.Tag;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import tools.jackson.databind.node.ObjectNode;

/** Puts graphs of all shapes into a repository, manifest by manifest. */
public final class Shapes {
    public static final MediaType CONFIG = new MediaType("application/vnd.oci.image.config.v1+json");
    public static final MediaType LAYER = new MediaType("application/vnd.oci.image.layer.v1.tar+gzip");
    public static final MediaType FOREIGN = new MediaType("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip");

    private final MemoryRepository repository;

    public Shapes(MemoryRepository repository) {
        this.repository = repository;
    }

    public Descriptor blob(MediaType type, String content) {
        return blob(type, DigestAlgorithm.SHA256, content.getBytes(StandardCharsets.UTF_8));
    }

    public Descriptor blob(MediaType type, DigestAlgorithm algorithm, byte[] bytes) {
        Digest digest = Digest.of(algorithm, bytes);
        repository.blobs.put(digest, bytes);
        return Descriptor.of(type, digest, bytes.length);
    }

    /** An image of a platform with its own layer on a shared one. */
    public Descriptor image(String seed) {
        return manifest(
                DigestAlgorithm.SHA256,
                MediaType.OCI_MANIFEST,
                blob(CONFIG, "{\"seed\":\"" + seed + "\"}"),
                List.of(blob(LAYER, "shared base"), blob(LAYER, "layer of " + seed)),
                Optional.empty(),
                Optional.empty());
    }

    public Descriptor manifest(
            DigestAlgorithm algorithm,
            MediaType type,
            Descriptor config,
            List<Descriptor> layers,
            Optional<Descriptor> subject,
            Optional<String> artifactType) {
        ObjectNode root = OciJson.mapper().createObjectNode();
        root.put("schemaVersion", 2).put("mediaType", type.value());
        artifactType.ifPresent(text -> root.put("artifactType", text));
        root.set("config", json(config));
        layers.forEach(layer -> root.withArray("layers").add(json(layer)));
        subject.ifPresent(descriptor -> root.set("subject", json(descriptor)));
        root.putObject("annotations").put("org.example.kind", artifactType.orElse("image"));
        return put(type, algorithm, root);
    }

    public Descriptor index(List<Descriptor> children) {
        return index(children, Optional.empty(), Optional.empty());
    }

    public Descriptor index(List<Descriptor> children, Optional<Descriptor> subject, Optional<String> artifactType) {
        ObjectNode root = OciJson.mapper().createObjectNode();
        root.put("schemaVersion", 2).put("mediaType", MediaType.OCI_INDEX.value());
        artifactType.ifPresent(text -> root.put("artifactType", text));
        root.putArray("manifests");
        children.forEach(child -> root.withArray("manifests").add(json(child)));
        subject.ifPresent(descriptor -> root.set("subject", json(descriptor)));
        return put(MediaType.OCI_INDEX, DigestAlgorithm.SHA256, root);
    }

    /** A referrer of {@code subject} in the modern form: the empty configuration and one layer. */
    public Descriptor referrer(Descriptor subject, String artifactType, String content) {
        Descriptor referrer = manifest(
                DigestAlgorithm.SHA256,
                MediaType.OCI_MANIFEST,
                blob(MediaType.OCI_EMPTY, "{}"),
                List.of(blob(new MediaType("text/plain"), content)),
                Optional.of(plain(subject)),
                Optional.of(artifactType));
        fallback(subject, referrer, artifactType);
        return referrer;
    }

    /**
     * Where the registry has no API, the client that attaches keeps the fallback tag; like some, without types and
     * annotations.
     */
    public void fallback(Descriptor subject, Descriptor referrer, String artifactType) {
        if (repository.apiSource()) {
            return;
        }
        try {
            Tag tag = subject.digest().referrersTag();
            ObjectNode root = OciJson.mapper().createObjectNode();
            root.put("schemaVersion", 2).put("mediaType", MediaType.OCI_INDEX.value());
            root.putArray("manifests");
            if (repository.tags.containsKey(tag)) {
                Manifest.parse(repository.manifests.get(repository.tags.get(tag)))
                        .manifests()
                        .forEach(old -> root.withArray("manifests").add(json(old)));
            }
            root.withArray("manifests").add(json(plain(referrer)));
            tag(tag.value(), put(MediaType.OCI_INDEX, DigestAlgorithm.SHA256, root));
        } catch (InvalidContentException e) {
            throw new AssertionError(artifactType, e);
        }
    }

    public void tag(String tag, Descriptor descriptor) {
        repository.tags.put(new Tag(tag), descriptor.digest());
    }

    /** The three required properties only. */
    public static Descriptor plain(Descriptor descriptor) {
        return Descriptor.of(descriptor.mediaType(), descriptor.digest(), descriptor.sizeBytes());
    }

    private Descriptor put(MediaType type, DigestAlgorithm algorithm, ObjectNode root) {
        try {
            byte[] bytes = root.toString().getBytes(StandardCharsets.UTF_8);
            ManifestBytes manifest = ManifestBytes.of(type, algorithm, bytes);
            repository.manifests.put(manifest.digest(), manifest);
            return manifest.descriptor();
        } catch (InvalidContentException e) {
            throw new AssertionError(e);
        }
    }

    private static ObjectNode json(Descriptor descriptor) {
        ObjectNode node = OciJson.mapper().createObjectNode();
        node.put("mediaType", descriptor.mediaType().value());
        node.put("digest", descriptor.digest().toString());
        node.put("size", descriptor.sizeBytes());
        descriptor.platform().ifPresent(platform -> {
            ObjectNode object = node.putObject("platform");
            object.put("os", platform.os()).put("architecture", platform.architecture());
        });
        if (!descriptor.annotations().isEmpty()) {
            ObjectNode annotations = node.putObject("annotations");
            descriptor.annotations().forEach(annotations::put);
        }
        if (!descriptor.urls().isEmpty()) {
            descriptor.urls().forEach(url -> node.withArray("urls").add(url));
        }
        return node;
    }

    /** A digest as cosign writes it in tags. */
    public static String stem(Descriptor descriptor) {
        return List.of(
                        descriptor.digest().algorithm().name(),
                        descriptor.digest().encoded())
                .stream()
                .collect(Collectors.joining("-"));
    }
}
