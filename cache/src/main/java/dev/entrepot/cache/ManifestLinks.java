package dev.entrepot.cache;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.Manifest;
import dev.entrepot.oci.ManifestBytes;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;

/** The links that follow from a manifest. */
final class ManifestLinks {
    private ManifestLinks() {}

    /**
     * What a manifest makes its repository have: itself, and all that it names, of which it is no proof.
     *
     * @throws InvalidContentException if it cannot be understood
     */
    static List<Link> of(ManifestBytes manifest) throws InvalidContentException {
        List<Link> links = new ArrayList<>();
        links.add(new Link(manifest.digest(), OptionalLong.of(manifest.sizeBytes()), true));
        Manifest parsed = Manifest.parse(manifest);
        // Registries take in layers that have addresses of their own without having them: of those, too, its upstream
        // says it.
        parsed.blobs().stream().filter(blob -> blob.urls().isEmpty()).forEach(blob -> links.add(link(blob, false)));
        // An index may list anything (BuildKit's cache lists layers): whether a repository has those, its upstream
        // says.
        parsed.manifests().stream().filter(Descriptor::isManifest).forEach(child -> links.add(link(child, true)));
        return links;
    }

    private static Link link(Descriptor descriptor, boolean manifest) {
        return new Link(descriptor.digest(), OptionalLong.of(descriptor.sizeBytes()), manifest, false);
    }
}
