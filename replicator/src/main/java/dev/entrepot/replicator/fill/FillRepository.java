package dev.entrepot.replicator.fill;

import dev.entrepot.cache.PullThrough;
import dev.entrepot.oci.RepositorySource;

/**
 * A repository that is filled.
 *
 * @param pull what its clients are served from
 * @param upstream what is behind it, asked in the background: whoever pulls goes first
 */
public record FillRepository(PullThrough pull, RepositorySource upstream) {}
