package dev.entrepot.oci.client;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.RepositoryName;
import java.util.Optional;

/**
 * Something that a registry is known, or supposed, to have, by which it can be seen what it can do.
 *
 * @param repository the repository
 * @param manifest a manifest of it; by a tag where it is only supposed to be there
 * @param blob a blob of it
 */
public record Sample(RepositoryName repository, ManifestReference manifest, Optional<Digest> blob) {}
