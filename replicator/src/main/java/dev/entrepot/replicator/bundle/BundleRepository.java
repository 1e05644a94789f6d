package dev.entrepot.replicator.bundle;

import dev.entrepot.oci.BlobBody;
import dev.entrepot.oci.ByteRange;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.NotFoundException.Kind;
import dev.entrepot.oci.Referrers;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.RepositorySource;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.TagPage;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * One repository of a bundle. What it has, what its tags name and what refers to what is answered from the inventory.
 */
final class BundleRepository implements RepositorySource {
    private final Bundle bundle;
    private final Elsewhere elsewhere;
    private final ReadToTheEnd readToTheEnd;
    private final Repository repository;
    private final SortedMap<Tag, Digest> tags;

    BundleRepository(Bundle bundle, Elsewhere elsewhere, ReadToTheEnd readToTheEnd, Repository repository) {
        this.bundle = bundle;
        this.elsewhere = elsewhere;
        this.readToTheEnd = readToTheEnd;
        this.repository = repository;
        this.tags = tags(bundle.inventory(), repository.name());
    }

    /** All tags of a repository, those of cosign included. */
    static SortedMap<Tag, Digest> tags(Inventory inventory, RepositoryName name) {
        SortedMap<Tag, Digest> tags = new TreeMap<>();
        for (BundledManifest manifest : inventory.manifests().values()) {
            manifest.cosign().stream()
                    .filter(tag -> tag.repository().equals(name))
                    .forEach(tag -> tags.put(tag.tag(), tag.manifest()));
        }
        inventory.images().stream()
                .filter(image -> image.repository().equals(name))
                .forEach(image -> tags.put(image.tag(), image.manifest()));
        return tags;
    }

    @Override
    public Repository repository() {
        return repository;
    }

    @Override
    public TagPage listTags(Optional<String> cursor) throws IOException {
        if (tags.isEmpty()) {
            throw new NotFoundException(Kind.NAME, "the bundle has nothing of " + repository);
        }
        return new TagPage(List.copyOf(tags.keySet()), Optional.empty());
    }

    @Override
    public Referrers referrers(Digest subject) throws IOException {
        return new Referrers(
                Referrers.Origin.API,
                manifest(subject).stream()
                        .flatMap(manifest -> ImageClosure.referrers(bundle.inventory(), manifest, repository.name()))
                        .map(BundledManifest::descriptor)
                        .toList());
    }

    @Override
    public Optional<OptionalLong> statBlob(Digest digest) {
        return blob(digest).map(blob -> OptionalLong.of(blob.sizeBytes()));
    }

    @Override
    public BlobBody openBlob(Digest digest, ByteRange range) throws IOException {
        BundledBlob blob = blob(digest)
                .orElseThrow(() ->
                        new NotFoundException(Kind.BLOB, "the bundle has no blob " + digest + " of " + repository));
        Optional<BlobBody> body = bundle.open(blob, range).map(opened -> readToTheEnd.watched(digest, opened));
        if (body.isEmpty()) {
            body = elsewhere.blob(blob, range);
        }
        return body.orElseThrow(
                () -> new NotFoundException(Kind.BLOB, "the blob " + digest + absence(blob.placement())));
    }

    @Override
    public Optional<Descriptor> resolve(ManifestReference reference) {
        Optional<Digest> digest = switch (reference) {
            case Digest direct -> Optional.of(direct);
            case Tag tag -> Optional.ofNullable(tags.get(tag));
        };
        return digest.flatMap(this::manifest).map(BundledManifest::descriptor).map(BundleRepository::bare);
    }

    private static Descriptor bare(Descriptor descriptor) {
        return Descriptor.of(descriptor.mediaType(), descriptor.digest(), descriptor.sizeBytes());
    }

    @Override
    public ManifestBytes fetchManifest(ManifestReference reference) throws IOException {
        BundledManifest manifest = resolve(reference)
                .flatMap(found -> manifest(found.digest()))
                .orElseThrow(() -> new NotFoundException(
                        Kind.MANIFEST, "the bundle has no manifest " + reference + " of " + repository));
        Optional<ManifestBytes> bytes = bundle.read(manifest);
        if (bytes.isEmpty()) {
            bytes = elsewhere.manifest(manifest);
        }
        // Not as if it had been answered that there is none: whoever walks a graph would say less of it.
        return bytes.orElseThrow(
                () -> new BundleException("the manifest " + manifest.digest() + absence(manifest.placement())));
    }

    private String absence(Placement placement) {
        return " of " + repository
                + switch (placement) {
                    case Placement.Held held ->
                        " is not in the bundle, because the receipt that it was made against says that the target has it in "
                                + held.repository() + ", and " + elsewhere.name()
                                + " has not: the receipt is of another target, or the target lost it: write a new receipt"
                                + " there, and the next export brings it";
                    case Placement.InVolume in -> " is in volume " + in.volume() + ", which was not given";
                    case Placement.InParts in ->
                        " is in the volumes "
                                + VolumeNumbers.shown(in.parts().stream()
                                        .map(Placement.Part::volume)
                                        .toList())
                                + ", which were not all given";
                };
    }

    private Optional<BundledManifest> manifest(Digest digest) {
        return Optional.ofNullable(bundle.inventory().manifests().get(digest))
                .filter(manifest -> manifest.repositories().contains(repository.name()));
    }

    private Optional<BundledBlob> blob(Digest digest) {
        return Optional.ofNullable(bundle.inventory().blobs().get(digest))
                .filter(blob -> blob.repositories().contains(repository.name()));
    }
}
