package dev.entrepot.replicator.graph;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Tag;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The tags beside an image that cosign before version 3 writes: {@code sha256-<hex>.sig}, {@code .att}, {@code .sbom}.
 */
public final class CosignTags {
    private static final List<String> SUFFIXES = List.of("sig", "att", "sbom");

    private CosignTags() {}

    /**
     * The tags under which cosign would keep something about this digest; those that are too long to be tags are left
     * out.
     */
    public static List<Tag> of(Digest digest) {
        String stem = digest.algorithm().name() + "-" + digest.encoded();
        return SUFFIXES.stream().flatMap(suffix -> tag(stem + "." + suffix)).toList();
    }

    private static Stream<Tag> tag(String text) {
        return text.length() <= 128 ? Stream.of(new Tag(text)) : Stream.empty();
    }

    /**
     * Whether the tag belongs to a digest, as cosign's, backups of these, and the referrers fallback tags do, and is
     * not one that a user chose.
     */
    public static boolean isAttached(Tag tag) {
        return tag.isAttached();
    }

    /** How filters name what is behind a cosign tag: {@code cosign.sig}, {@code cosign.att} or {@code cosign.sbom}. */
    public static Optional<String> kind(Tag tag) {
        return SUFFIXES.stream()
                .filter(suffix -> tag.value().endsWith("." + suffix))
                .map(suffix -> "cosign." + suffix)
                .findFirst();
    }
}
