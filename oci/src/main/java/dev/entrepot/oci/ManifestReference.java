package dev.entrepot.oci;

/**
 * What names a manifest within a repository: a {@link Tag} or a {@link Digest} (distribution-spec, "Pulling
 * manifests").
 */
public sealed interface ManifestReference permits Tag, Digest {
    /**
     * Parses a reference: text with a colon is a digest, all other text a tag.
     *
     * @throws InvalidNameException if the text is neither
     */
    static ManifestReference parse(String text) {
        return text.indexOf(':') >= 0 ? Digest.parse(text) : new Tag(text);
    }
}
