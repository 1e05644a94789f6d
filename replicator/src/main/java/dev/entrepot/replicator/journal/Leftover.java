package dev.entrepot.replicator.journal;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import java.time.Instant;

/**
 * A manifest that a rule brought to a target under a tag, and that no longer belongs to what the rule has under that
 * tag: the tag moved, or the source withdrew what was attached.
 *
 * @param rule the rule that brought it
 * @param target the target
 * @param registry the name of the registry that it came from
 * @param source the repository at the source
 * @param repository the repository at the target
 * @param tag the tag whose graph it belonged to
 * @param digest the manifest
 * @param since when that was found out, the last time if more than once
 */
public record Leftover(
        String rule,
        String target,
        String registry,
        RepositoryName source,
        RepositoryName repository,
        Tag tag,
        Digest digest,
        Instant since) {}
