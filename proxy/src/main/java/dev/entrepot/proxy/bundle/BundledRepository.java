package dev.entrepot.proxy.bundle;

import dev.entrepot.cache.Answer;
import dev.entrepot.cache.BlobContent;
import dev.entrepot.cache.Verdict;
import dev.entrepot.oci.DescriptorJson;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.NotFoundException.Kind;
import dev.entrepot.oci.Referrers;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.Tag;
import dev.entrepot.proxy.http.ServedRepository;
import dev.entrepot.replicator.bundle.Bundle;
import dev.entrepot.replicator.bundle.BundledBlob;
import dev.entrepot.replicator.bundle.BundledImage;
import dev.entrepot.replicator.bundle.BundledManifest;
import dev.entrepot.replicator.bundle.ImageClosure;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * One repository of a bundle as it is served. A tag is served only if everything under it and attached to it is in the
 * volumes at hand; what is there by digest is served by digest.
 */
final class BundledRepository implements ServedRepository {
    private final Bundle bundle;
    private final VerifiedBlobs verified;
    private final Repository repository;
    private final SortedMap<Tag, Digest> tags = new TreeMap<>();
    private final Map<Tag, String> incomplete = new HashMap<>();
    private final Map<Tag, ManifestBytes> fallbacks = new HashMap<>();
    private final Map<Digest, ManifestBytes> fallbacksByDigest = new HashMap<>();

    BundledRepository(Bundle bundle, VerifiedBlobs verified, Repository repository) {
        this.bundle = bundle;
        this.verified = verified;
        this.repository = repository;
        for (BundledManifest manifest : bundle.inventory().manifests().values()) {
            if (manifest.repositories().contains(repository.name())) {
                take(manifest);
            }
        }
        bundle.inventory().images().stream()
                .filter(image -> image.source().registry().equals(repository.registry())
                        && image.repository().equals(repository.name()))
                .forEach(image -> {
                    if (isWhole(image.tag(), image.manifest())) {
                        tags.put(image.tag(), image.manifest());
                    } else {
                        incomplete(image.tag());
                    }
                });
    }

    private boolean isWhole(Tag tag, Digest manifest) {
        ImageClosure closure =
                ImageClosure.of(bundle.inventory(), new BundledImage(repository, repository.name(), tag, manifest));
        return closure.manifests().stream().allMatch(bundle::has)
                && closure.blobs().stream().allMatch(bundle::has);
    }

    private void incomplete(Tag tag) {
        incomplete.put(
                tag,
                repository + ":" + tag + " is not whole in the volumes that are served: \"entrepot ls\""
                        + " shows in which it is, and what was left out because its target has it");
    }

    private void take(BundledManifest manifest) {
        manifest.cosign().stream()
                .filter(tag -> tag.repository().equals(repository.name()))
                .forEach(tag -> {
                    if (isWhole(tag.tag(), tag.manifest())) {
                        tags.put(tag.tag(), tag.manifest());
                    } else {
                        incomplete(tag.tag());
                    }
                });
        Referrers referrers = referring(manifest);
        if (!referrers.descriptors().isEmpty()) {
            try {
                ManifestBytes index =
                        ManifestBytes.of(MediaType.OCI_INDEX, DescriptorJson.writeIndex(referrers.descriptors()));
                fallbacks.put(manifest.digest().referrersTag(), index);
                fallbacksByDigest.put(index.digest(), index);
            } catch (InvalidContentException e) {
                throw new UncheckedIOException("the fallback index of " + manifest.digest(), e);
            }
        }
    }

    private static <T> Answer<T> answer(T content) {
        return Answer.of(content, Verdict.HIT, Duration.ZERO);
    }

    private Optional<BundledManifest> manifest(Digest digest) {
        return Optional.ofNullable(bundle.inventory().manifests().get(digest))
                .filter(manifest -> manifest.repositories().contains(repository.name()));
    }

    @Override
    public Answer<ManifestBytes> manifest(ManifestReference reference) throws IOException {
        Optional<ManifestBytes> found = switch (reference) {
            case Digest digest -> read(digest);
            case Tag tag -> {
                Digest digest = tags.get(tag);
                yield digest == null ? Optional.ofNullable(fallbacks.get(tag)) : read(digest);
            }
        };
        String why = reference instanceof Tag tag ? incomplete.getOrDefault(tag, "") : "";
        return answer(found.orElseThrow(() -> new NotFoundException(
                Kind.MANIFEST,
                why.isEmpty()
                        ? "the volumes that are served have no manifest " + reference + " of " + repository
                        : why)));
    }

    private Optional<ManifestBytes> read(Digest digest) throws IOException {
        Optional<BundledManifest> known = manifest(digest);
        return known.isPresent() ? bundle.read(known.get()) : Optional.ofNullable(fallbacksByDigest.get(digest));
    }

    private BundledBlob blob(Digest digest) throws NotFoundException {
        return Optional.ofNullable(bundle.inventory().blobs().get(digest))
                .filter(blob -> blob.repositories().contains(repository.name()) && bundle.has(blob))
                .orElseThrow(() -> new NotFoundException(
                        Kind.BLOB, "the volumes that are served have no blob " + digest + " of " + repository));
    }

    @Override
    public Answer<OptionalLong> statBlob(Digest digest) throws IOException {
        return answer(OptionalLong.of(blob(digest).sizeBytes()));
    }

    @Override
    public Answer<BlobContent> openBlob(Digest digest) throws IOException {
        BundledBlob blob = blob(digest);
        verified.await(blob);
        return answer(new SliceContent(bundle.slices(blob)));
    }

    @Override
    public Answer<List<Tag>> tags() throws IOException {
        if (tags.isEmpty()) {
            throw new NotFoundException(Kind.NAME, "the bundle has no tag of " + repository + " that is whole");
        }
        return answer(List.copyOf(tags.keySet()));
    }

    @Override
    public Answer<Referrers> referrers(Digest subject) {
        return answer(manifest(subject).map(this::referring).orElse(new Referrers(Referrers.Origin.API, List.of())));
    }

    // Also those that are in a volume that is not at hand, or in none because the target has them: who asks for one of
    // them hears that it is not there. A list without them would say that nobody has signed the image.
    private Referrers referring(BundledManifest subject) {
        return new Referrers(
                Referrers.Origin.API,
                ImageClosure.referrers(bundle.inventory(), subject, repository.name())
                        .map(BundledManifest::descriptor)
                        .toList());
    }
}
