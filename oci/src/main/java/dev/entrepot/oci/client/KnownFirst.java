package dev.entrepot.oci.client;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.KnownManifests;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.ManifestSource;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.Tag;
import java.io.IOException;
import java.util.Optional;
import java.util.function.BooleanSupplier;

/**
 * The manifests of a registry, without those that are known already: where pulls are counted, what a tag names is asked
 * by HEAD, and only what nobody has is fetched. Safe for all threads.
 *
 * @param registry the manifests as the registry has them
 * @param known those that are known
 * @param countsPulls whether the registry counts pulls
 */
record KnownFirst(ManifestSource registry, KnownManifests known, BooleanSupplier countsPulls)
        implements ManifestSource {
    @Override
    public Optional<Descriptor> resolve(ManifestReference reference) throws IOException {
        return registry.resolve(reference);
    }

    @Override
    public ManifestBytes fetchManifest(ManifestReference reference) throws IOException {
        return switch (reference) {
            case Digest digest -> {
                Optional<ManifestBytes> here = known.listed(digest);
                yield here.isPresent() ? here.get() : fetch(digest);
            }
            // Where nothing is counted, one GET tells as much as a HEAD and a GET.
            case Tag tag -> countsPulls.getAsBoolean() ? named(tag) : fetch(tag);
        };
    }

    private ManifestBytes named(Tag tag) throws IOException {
        Digest digest = registry.resolve(tag)
                .map(Descriptor::digest)
                .orElseThrow(() -> new NotFoundException(
                        NotFoundException.Kind.MANIFEST, "the registry says that there is no tag " + tag));
        Optional<ManifestBytes> here = known.named(digest);
        if (here.isPresent()) {
            return here.get();
        }
        try {
            return fetch(digest);
        } catch (NotFoundException e) {
            // It has moved in between, and what it named is gone: that is no word about what it names.
            return fetch(tag);
        }
    }

    private ManifestBytes fetch(ManifestReference reference) throws IOException {
        ManifestBytes manifest = registry.fetchManifest(reference);
        known.fetched(manifest);
        return manifest;
    }
}
