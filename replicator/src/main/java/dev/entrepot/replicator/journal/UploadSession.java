package dev.entrepot.replicator.journal;

import java.time.Instant;

/**
 * An upload that a registry keeps open, so that it can be continued after a restart.
 *
 * @param location where it is continued, as the registry gave it
 * @param offset bytes that the registry had when this was noted
 * @param at when this was noted
 */
public record UploadSession(String location, long offset, Instant at) {}
