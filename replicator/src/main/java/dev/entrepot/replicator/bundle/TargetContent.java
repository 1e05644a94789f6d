package dev.entrepot.replicator.bundle;

import dev.entrepot.oci.BlobBody;
import dev.entrepot.oci.ByteRange;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.RepositorySource;
import dev.entrepot.replicator.ReplicationRule;
import java.io.IOException;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/**
 * The content of a bundle that is not in the volumes at hand: manifests that earlier volumes brought, and whatever the
 * target has already, in the repository that the receipt named or in any that the content belongs to.
 */
final class TargetContent implements Elsewhere {
    private final ReplicationRule.Placement target;
    private final KeptManifests kept;

    TargetContent(ReplicationRule.Placement target, KeptManifests kept) {
        this.target = target;
        this.kept = kept;
    }

    private interface Question<T> {
        T ask(RepositorySource repository) throws IOException;
    }

    @Override
    public String name() {
        return target.registry().name();
    }

    @Override
    public Optional<ManifestBytes> manifest(BundledManifest manifest) throws IOException {
        Optional<ManifestBytes> here = kept.read(manifest);
        return here.isPresent()
                ? here
                : first(
                        manifest.placement(),
                        manifest.repositories(),
                        repository -> repository.fetchManifest(manifest.digest()));
    }

    @Override
    public Optional<BlobBody> blob(BundledBlob blob, ByteRange range) throws IOException {
        OptionalLong size = OptionalLong.of(blob.sizeBytes());
        return first(
                blob.placement(), blob.repositories(), repository -> repository.openBlob(blob.digest(), range, size));
    }

    private <T> Optional<T> first(Placement placement, List<RepositoryName> repositories, Question<T> question)
            throws IOException {
        Set<RepositoryName> places = new LinkedHashSet<>();
        if (placement instanceof Placement.Held held) {
            places.add(held.repository());
        }
        places.addAll(repositories);
        for (RepositoryName place : places) {
            try {
                return Optional.of(
                        question.ask(target.registry().reader(target.naming().apply(place))));
            } catch (NotFoundException e) {
                // Another repository may have it.
            }
        }
        return Optional.empty();
    }
}
