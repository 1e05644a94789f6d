package dev.entrepot.cache;

import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.Manifest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.MediaType;

/** Finds the media type of a kept manifest whose index entry was lost: from what the document says of itself. */
final class ManifestTypes {
    private ManifestTypes() {}

    /** The same manifest, with the type that its document states if none is recorded. */
    static ManifestBytes withType(ManifestBytes manifest) throws InvalidContentException {
        if (!manifest.mediaType().equals(MediaType.OCTET_STREAM)) {
            return manifest;
        }
        return ManifestBytes.verified(Manifest.parse(manifest).mediaType(), manifest.digest(), manifest.array());
    }
}
