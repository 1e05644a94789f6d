package dev.entrepot.oci.testing;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.DigestAlgorithm;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.Platform;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import java.util.stream.LongStream;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Makes images, indexes and referrers. Their content is drawn from a seed: the same calls on the same seed give the
 * same digests, and two calls never give the same layer. Not safe for several threads.
 */
public final class Images {
    /** The empty JSON object, {@code {}}. */
    public static final byte[] EMPTY_JSON = "{}".getBytes(StandardCharsets.US_ASCII);

    private static final MediaType CONFIG = new MediaType("application/vnd.oci.image.config.v1+json");
    private static final MediaType LAYER = new MediaType("application/vnd.oci.image.layer.v1.tar+gzip");
    private static final MediaType FOREIGN_LAYER =
            new MediaType("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip");
    private static final MediaType DOCKER_CONFIG = new MediaType("application/vnd.docker.container.image.v1+json");
    private static final MediaType DOCKER_LAYER = new MediaType("application/vnd.docker.image.rootfs.diff.tar.gzip");

    private final RandomGenerator random;

    /** A maker of content that depends on the seed alone. */
    public Images(long seed) {
        random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
    }

    /** An image for linux/amd64 with one layer for each size, in bytes. Sizes may be many gigabytes, and 0. */
    public Bundle image(long... layerBytes) {
        return image(Platform.parse("linux/amd64"), layerBytes);
    }

    /** An image for a platform. */
    public Bundle image(Platform platform, long... layerBytes) {
        return image(platform, DigestAlgorithm.SHA256, MediaType.OCI_MANIFEST, CONFIG, LAYER, layerBytes);
    }

    /** An image for linux/amd64 with one layer of 100 bytes, whose configuration says when it was created. */
    public Bundle imageOf(Instant created) {
        Map<Digest, Content> blobs = new LinkedHashMap<>();
        ObjectNode config = OciJson.mapper()
                .createObjectNode()
                .put("os", "linux")
                .put("architecture", "amd64")
                .put("created", created.toString());
        Content content = Content.of(config.toString().getBytes(StandardCharsets.UTF_8));
        ObjectNode json = document(MediaType.OCI_MANIFEST);
        json.set("config", ManifestJson.descriptor(blob(blobs, CONFIG, DigestAlgorithm.SHA256, content)));
        json.putArray("layers").add(ManifestJson.descriptor(blob(blobs, LAYER, DigestAlgorithm.SHA256, random(100))));
        return Bundle.over(List.of(), blobs, bytes(MediaType.OCI_MANIFEST, DigestAlgorithm.SHA256, json));
    }

    /** An image with Docker's media types. */
    public Bundle dockerImage(long... layerBytes) {
        return image(
                Platform.parse("linux/amd64"),
                DigestAlgorithm.SHA256,
                MediaType.DOCKER_MANIFEST,
                DOCKER_CONFIG,
                DOCKER_LAYER,
                layerBytes);
    }

    /** An image that is addressed by SHA-512 throughout. */
    public Bundle sha512Image(long... layerBytes) {
        return image(
                Platform.parse("linux/amd64"),
                DigestAlgorithm.SHA512,
                MediaType.OCI_MANIFEST,
                CONFIG,
                LAYER,
                layerBytes);
    }

    /** An image with a layer of 100 bytes and one that must not be pushed and is in no repository. */
    public Bundle foreignLayerImage() {
        Map<Digest, Content> blobs = new LinkedHashMap<>();
        Descriptor config = blob(blobs, CONFIG, DigestAlgorithm.SHA256, config(Platform.parse("windows/amd64")));
        Descriptor layer = blob(blobs, LAYER, DigestAlgorithm.SHA256, random(100));
        Descriptor foreign = Descriptor.of(FOREIGN_LAYER, random(200).digest(DigestAlgorithm.SHA256), 200);
        ObjectNode json = document(MediaType.OCI_MANIFEST);
        json.set("config", ManifestJson.descriptor(config));
        ArrayNode layers = json.putArray("layers");
        layers.add(ManifestJson.descriptor(layer));
        ObjectNode node = ManifestJson.descriptor(foreign);
        node.putArray("urls").add("http://192.0.2.1/foreign");
        layers.add(node);
        return Bundle.over(List.of(), blobs, bytes(MediaType.OCI_MANIFEST, DigestAlgorithm.SHA256, json));
    }

    private Bundle image(
            Platform platform,
            DigestAlgorithm algorithm,
            MediaType type,
            MediaType configType,
            MediaType layerType,
            long... layerBytes) {
        Map<Digest, Content> blobs = new LinkedHashMap<>();
        ObjectNode json = document(type);
        json.set("config", ManifestJson.descriptor(blob(blobs, configType, algorithm, config(platform))));
        ArrayNode layers = json.putArray("layers");
        LongStream.of(layerBytes)
                .mapToObj(size -> blob(blobs, layerType, algorithm, random(size)))
                .forEach(layer -> layers.add(ManifestJson.descriptor(layer)));
        Bundle image = Bundle.over(List.of(), blobs, bytes(type, algorithm, json));
        return image.describedAs(ManifestJson.withPlatform(image.descriptor(), platform));
    }

    /** An index of one image of one layer of 1000 bytes for each platform. */
    public Bundle index(String... platforms) {
        return indexOf(Arrays.stream(platforms)
                .map(platform -> image(Platform.parse(platform), 1000))
                .toList());
    }

    /** An index of images, indexes or anything else. */
    public Bundle indexOf(List<Bundle> children) {
        return indexOf(MediaType.OCI_INDEX, children);
    }

    /** An index of a type, for example a Docker manifest list. */
    public Bundle indexOf(MediaType type, List<Bundle> children) {
        ObjectNode json = document(type);
        ArrayNode manifests = json.putArray("manifests");
        children.forEach(child -> manifests.add(ManifestJson.descriptor(child.descriptor())));
        return Bundle.over(children, Map.of(), bytes(type, DigestAlgorithm.SHA256, json));
    }

    /** Indexes within indexes, so many, around an image; depth 1 is an index of an image. */
    public Bundle nestedIndex(int depth) {
        Bundle inner = image(100);
        for (int i = 0; i < depth; i++) {
            inner = indexOf(List.of(inner));
        }
        return inner;
    }

    /**
     * An index of an image and its attestation, in the form that BuildKit gives them: an entry for platform
     * unknown/unknown.
     */
    public Bundle indexWithAttestation(String platform) {
        Bundle image = image(Platform.parse(platform), 1000);
        Bundle attestation = image(Platform.parse("unknown/unknown"), 300);
        Descriptor entry = attestation
                .descriptor()
                .asReferrer(
                        Optional.empty(),
                        Map.of(
                                "vnd.docker.reference.type",
                                "attestation-manifest",
                                "vnd.docker.reference.digest",
                                image.digest().toString()));
        return indexOf(List.of(image, attestation.describedAs(entry)));
    }

    /** A referrer of a subject with one layer of 64 bytes: an image manifest with an empty configuration. */
    public Bundle referrer(Descriptor subject, String artifactType, Map<String, String> annotations) {
        Map<Digest, Content> blobs = new LinkedHashMap<>();
        ObjectNode json = document(MediaType.OCI_MANIFEST).put("artifactType", artifactType);
        json.set(
                "config",
                ManifestJson.descriptor(
                        blob(blobs, MediaType.OCI_EMPTY, DigestAlgorithm.SHA256, Content.of(EMPTY_JSON))));
        Descriptor layer = blob(blobs, new MediaType(artifactType), DigestAlgorithm.SHA256, random(64));
        json.putArray("layers").add(ManifestJson.descriptor(layer));
        json.set("subject", ManifestJson.bare(subject));
        ManifestJson.annotate(json, annotations);
        ManifestBytes root = bytes(MediaType.OCI_MANIFEST, DigestAlgorithm.SHA256, json);
        return Bundle.over(List.of(), blobs, root)
                .describedAs(root.descriptor().asReferrer(Optional.of(artifactType), annotations));
    }

    /** As above, without annotations. */
    public Bundle referrer(Bundle subject, String artifactType) {
        return referrer(subject.root().descriptor(), artifactType, Map.of());
    }

    /** A chain of referrers, the first of the subject and each other of the one before; in that order. */
    public List<Bundle> referrerChain(Bundle subject, int length, String artifactType) {
        Bundle[] chain = new Bundle[length];
        Bundle last = subject;
        for (int i = 0; i < length; i++) {
            last = referrer(last, artifactType);
            chain[i] = last;
        }
        return List.of(chain);
    }

    /**
     * What cosign pushes under a tag for a signature, attestation or bill of materials: no subject, an annotated layer.
     */
    public Bundle cosign(String layerType) {
        Map<Digest, Content> blobs = new LinkedHashMap<>();
        ObjectNode json = document(MediaType.OCI_MANIFEST);
        json.set(
                "config",
                ManifestJson.descriptor(
                        blob(blobs, CONFIG, DigestAlgorithm.SHA256, config(Platform.parse("linux/amd64")))));
        ObjectNode layer =
                ManifestJson.descriptor(blob(blobs, new MediaType(layerType), DigestAlgorithm.SHA256, random(240)));
        ManifestJson.annotate(layer, Map.of("dev.cosignproject.cosign/signature", "bm90IGEgc2lnbmF0dXJl"));
        json.putArray("layers").add(layer);
        return Bundle.over(List.of(), blobs, bytes(MediaType.OCI_MANIFEST, DigestAlgorithm.SHA256, json));
    }

    /**
     * The tag under which cosign keeps something of a subject: {@code sha256-<hex>.sig}, {@code .att} or {@code .sbom}.
     */
    public static String cosignTag(Digest subject, String suffix) {
        return subject.algorithm() + "-" + subject.encoded() + "." + suffix;
    }

    /**
     * What clients keep under {@link Digest#referrersTag()} where there is no referrers API: an index of the referrers.
     */
    public Bundle fallbackIndex(List<Bundle> referrers) {
        ObjectNode json = document(MediaType.OCI_INDEX);
        ArrayNode manifests = json.putArray("manifests");
        referrers.forEach(referrer -> manifests.add(ManifestJson.descriptor(referrer.descriptor())));
        return Bundle.over(List.of(), Map.of(), bytes(MediaType.OCI_INDEX, DigestAlgorithm.SHA256, json));
    }

    /** An artifact manifest of the image-spec's release candidates, with one blob of 64 bytes. */
    public Bundle artifactManifest(Descriptor subject, String artifactType) {
        Map<Digest, Content> blobs = new LinkedHashMap<>();
        ObjectNode json = OciJson.mapper()
                .createObjectNode()
                .put("mediaType", MediaType.OCI_ARTIFACT_MANIFEST.value())
                .put("artifactType", artifactType);
        Descriptor blob = blob(blobs, MediaType.OCTET_STREAM, DigestAlgorithm.SHA256, random(64));
        json.putArray("blobs").add(ManifestJson.descriptor(blob));
        json.set("subject", ManifestJson.bare(subject));
        return Bundle.over(List.of(), blobs, bytes(MediaType.OCI_ARTIFACT_MANIFEST, DigestAlgorithm.SHA256, json));
    }

    /** Random bytes. */
    public byte[] randomBytes(int size) {
        byte[] bytes = new byte[size];
        random.nextBytes(bytes);
        return bytes;
    }

    private Content random(long size) {
        return Content.generated(random.nextLong(), size);
    }

    private Content config(Platform platform) {
        ObjectNode json = OciJson.mapper()
                .createObjectNode()
                .put("os", platform.os())
                .put("architecture", platform.architecture())
                .put("author", Long.toHexString(random.nextLong()));
        json.putObject("rootfs").put("type", "layers").putArray("diff_ids");
        return Content.of(json.toString().getBytes(StandardCharsets.UTF_8));
    }

    private static Descriptor blob(
            Map<Digest, Content> blobs, MediaType type, DigestAlgorithm algorithm, Content content) {
        Digest digest = content.digest(algorithm);
        blobs.put(digest, content);
        return Descriptor.of(type, digest, content.sizeBytes());
    }

    private static ObjectNode document(MediaType type) {
        return OciJson.mapper().createObjectNode().put("schemaVersion", 2).put("mediaType", type.value());
    }

    private static ManifestBytes bytes(MediaType type, DigestAlgorithm algorithm, ObjectNode json) {
        try {
            return ManifestBytes.of(type, algorithm, json.toString().getBytes(StandardCharsets.UTF_8));
        } catch (InvalidContentException e) {
            throw new IllegalArgumentException(e);
        }
    }
}
