package dev.entrepot.replicator.events;

import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import java.util.Optional;

/**
 * Something was pushed to a registry.
 *
 * @param repository where
 * @param tag the tag, if one was written; without, a manifest came by digest, which a signature or SBOM does
 */
public record Pushed(RepositoryName repository, Optional<Tag> tag) {}
