package dev.entrepot.replicator;

import dev.entrepot.oci.BlobBody;
import dev.entrepot.oci.BlockedException;
import dev.entrepot.oci.ByteRange;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Manifest;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.OciLimits;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.VerifyingInputStream;
import dev.entrepot.replicator.graph.RepositoryDiscovery;
import dev.entrepot.replicator.select.ImageTimes;
import java.io.IOException;
import java.io.InputStream;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.format.DateTimeParseException;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;

/**
 * Reads when an image was created: the annotation {@code org.opencontainers.image.created}, else {@code created} in the
 * configuration; of an index, else of its first image. One whose configuration is gone or is no JSON does not tell, nor
 * one that this process does not pass on (a Docker schema 1 image, or what a rule of the cache refuses): it must not
 * keep the other tags of its repository from being chosen. A registry that gives no answer, or a wrong one, is a
 * failure.
 */
record ImageCreation(RepositoryDiscovery discovery) implements ImageTimes {
    private static final String ANNOTATION = "org.opencontainers.image.created";

    @Override
    public Optional<Instant> created(Tag tag) throws IOException {
        try {
            Optional<Descriptor> root = discovery.resolve(tag);
            return root.isEmpty() ? Optional.empty() : created(root.get(), OciLimits.MAX_INDEX_DEPTH);
        } catch (NotFoundException | BlockedException e) {
            return Optional.empty();
        }
    }

    private Optional<Instant> created(Descriptor descriptor, int depth) throws IOException {
        Manifest manifest = Manifest.parse(discovery.bytes(descriptor.digest()));
        Optional<Instant> stated = time(manifest.annotations().get(ANNOTATION));
        if (stated.isPresent() || depth == 0) {
            return stated;
        }
        return switch (manifest) {
            case Manifest.ImageManifest image -> inConfiguration(image.config());
            case Manifest.ImageIndex index -> {
                Optional<Descriptor> first = index.manifests().stream()
                        .filter(Descriptor::isManifest)
                        .findFirst();
                yield first.isEmpty() ? Optional.empty() : created(first.get(), depth - 1);
            }
            case Manifest.ArtifactManifest artifact -> Optional.empty();
            case Manifest.OpaqueManifest opaque -> Optional.empty();
        };
    }

    private Optional<Instant> inConfiguration(Descriptor config) throws IOException {
        boolean readable =
                config.mediaType().value().endsWith("json") && config.sizeBytes() <= OciLimits.MAX_MANIFEST_BYTES;
        if (!readable) {
            return Optional.empty();
        }
        try (BlobBody body = discovery.source().openBlob(config.digest(), ByteRange.ALL);
                InputStream in =
                        new VerifyingInputStream(body.stream(), config.digest(), OptionalLong.of(config.sizeBytes()))) {
            String created =
                    OciJson.mapper().readTree(in.readAllBytes()).path("created").asString("");
            return time(created);
        } catch (JacksonException e) {
            return Optional.empty();
        }
    }

    private static Optional<Instant> time(@Nullable String text) {
        if (text == null || text.isEmpty()) {
            return Optional.empty();
        }
        try {
            return Optional.of(OffsetDateTime.parse(text).toInstant());
        } catch (DateTimeParseException e) {
            return Optional.empty();
        }
    }
}
