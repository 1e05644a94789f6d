package dev.entrepot.oci;

import java.io.IOException;
import java.util.Optional;

/**
 * A repository whose tags can be written on the condition that nobody else has written them meanwhile, where the
 * registry can tell (RFC 9110, section 13.1). The distribution-spec asks for it of no registry.
 */
public interface ConditionalTarget extends RepositoryTarget {
    /**
     * Reads what a tag names, and by what condition it can be written only as long as it is so.
     *
     * @param neighbour a manifest that is there: of a tag that is not, no answer says whether the registry knows
     *     conditions, so it may be asked for this one
     * @throws RegistryException if the target gave no answer, or not to this
     */
    TagState readTag(Tag tag, Digest neighbour) throws IOException;

    /**
     * As {@link #pushManifest}, on a condition.
     *
     * @return what the target answered; empty if it does not take it on that condition: the tag is not as it was, or
     *     the target knows no such condition, which it does not tell apart. Then nothing was written
     * @throws RefusedException if the target refused it otherwise
     * @throws RegistryException if the target gave no answer
     */
    Optional<PushedManifest> pushManifest(ManifestBytes manifest, Tag tag, TagCondition condition) throws IOException;
}
