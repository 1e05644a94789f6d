package dev.entrepot.config;

import java.nio.file.Path;
import java.time.Duration;

/**
 * What is kept, where, and for how long without asking again.
 *
 * @param directory folder of the content store
 * @param capacity bytes of blobs to keep before the least recently used are deleted
 * @param minFree bytes of the disk to leave free for others
 * @param freshFor how long a tag is served without asking the upstream
 * @param staleFor how long a tag is served while the upstream is out
 * @param referrersFreshFor how long a list of referrers is served without asking the upstream
 * @param memory bytes of memory for manifests
 */
public record CacheConfig(
        Path directory,
        ByteSize capacity,
        ByteSize minFree,
        Duration freshFor,
        Duration staleFor,
        Duration referrersFreshFor,
        ByteSize memory) {
    /** Validates that there is room and that no time is negative. */
    public CacheConfig {
        Checks.positive("capacity", capacity);
        Checks.notNegative("fresh-for", freshFor);
        Checks.notNegative("stale-for", staleFor);
        Checks.notNegative("referrers-fresh-for", referrersFreshFor);
    }
}
