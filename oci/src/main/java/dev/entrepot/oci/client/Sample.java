package dev.entrepot.oci.client;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.RepositoryName;
import java.util.Optional;

/**
 * Something that a registry is known to have, by which it can be seen what it can do.
 *
 * @param repository the repository
 * @param manifest a manifest of it
 * @param blob a blob of it
 */
public record Sample(RepositoryName repository, Digest manifest, Optional<Digest> blob) {}
