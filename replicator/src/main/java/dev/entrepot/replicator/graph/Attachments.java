package dev.entrepot.replicator.graph;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Referrers;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Everything that a source attaches to one manifest.
 *
 * @param referrers its referrers, as the source lists them
 * @param cosignTags its cosign tags
 */
public record Attachments(Referrers referrers, List<CosignTag> cosignTags) {
    /** Copies the list. */
    public Attachments {
        cosignTags = List.copyOf(cosignTags);
    }

    /** The same without these referrers. */
    Attachments without(Set<Digest> gone) {
        return gone.isEmpty()
                ? this
                : new Attachments(
                        new Referrers(
                                referrers.origin(),
                                referrers.descriptors().stream()
                                        .filter(descriptor -> !gone.contains(descriptor.digest()))
                                        .toList()),
                        cosignTags);
    }

    /**
     * A short text that is the same as long as the same manifests are attached: half a SHA-256 over their digests and
     * cosign tags, or {@code -} if there are none.
     */
    public String fingerprint() {
        if (referrers.descriptors().isEmpty() && cosignTags.isEmpty()) {
            return "-";
        }
        Stream<String> byReference =
                referrers.descriptors().stream().map(Descriptor::digest).map(Digest::toString);
        Stream<String> byTag =
                cosignTags.stream().map(tag -> tag.tag() + "=" + tag.manifest().digest());
        String all = Stream.concat(byReference, byTag).distinct().sorted().collect(Collectors.joining("\n"));
        return Digest.sha256(all.getBytes(StandardCharsets.UTF_8)).encoded().substring(0, 32);
    }
}
