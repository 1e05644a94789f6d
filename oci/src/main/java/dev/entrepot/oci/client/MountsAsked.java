package dev.entrepot.oci.client;

import dev.entrepot.oci.RepositoryName;
import java.time.Instant;

/**
 * That a repository was asked whether it mounts blobs, and what came of it.
 *
 * @param repository which
 * @param answer what it answered
 * @param said the same for people, with what was answered: one line, without secrets
 * @param at when
 */
public record MountsAsked(RepositoryName repository, MountAnswer answer, String said, Instant at) {}
