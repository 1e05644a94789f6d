package dev.entrepot.replicator.journal;

import dev.entrepot.oci.RepositoryName;

/**
 * What came of one tag at one target in a run, written as soon as it is known.
 *
 * @param target the target
 * @param repository the repository there
 * @param tag the tag, or {@code *} for a repository that could not be listed
 * @param state {@code copied}, {@code up-to-date}, {@code skipped} or {@code failed}
 * @param detail why; empty for those copied
 */
public record ItemRecord(String target, RepositoryName repository, String tag, String state, String detail) {}
