package dev.entrepot.oci.client;

import java.time.Instant;

/**
 * What has been seen of one capability at a registry.
 *
 * @param there whether the repository that showed it last has it
 * @param seenAt when that was
 * @param with repositories that are known to have it now
 * @param without repositories that are known not to have it now
 */
public record CapabilityState(boolean there, Instant seenAt, int with, int without) {}
