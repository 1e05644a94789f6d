package dev.entrepot.config;

import dev.entrepot.oci.Platform;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/**
 * What is kept, where, and for how long without asking again.
 *
 * @param directory folder of the content store
 * @param capacity the most that is stored, unfinished blobs included
 * @param minFree bytes of the disk to leave free for others
 * @param highWatermark the part of the capacity beyond which eviction begins in the background
 * @param lowWatermark the part of the capacity down to which is evicted, at most the high watermark
 * @param freshFor how long a tag is served without asking the upstream
 * @param staleFor how long a tag is served while the upstream is out
 * @param referrersFreshFor how long a list of referrers is served without asking the upstream
 * @param scrubEvery how long after a scrub the next one begins; zero if none does by itself
 * @param scrubRate bytes per second that a scrub reads
 * @param memory bytes of memory for manifests
 * @param platforms the platforms of an index that are pinned, prefetched and warmed where none are named; all if empty
 */
public record CacheConfig(
        Path directory,
        ByteSize capacity,
        ByteSize minFree,
        Percent highWatermark,
        Percent lowWatermark,
        Duration freshFor,
        Duration staleFor,
        Duration referrersFreshFor,
        Duration scrubEvery,
        ByteSize scrubRate,
        ByteSize memory,
        List<Platform> platforms) {
    /** Copies the list, and validates that there is room and that no time is negative. */
    public CacheConfig {
        platforms = List.copyOf(platforms);
        Checks.positive("capacity", capacity);
        if (lowWatermark.value() > highWatermark.value()) {
            throw new InvalidValueException("low-watermark", "at most the high-watermark, " + highWatermark);
        }
        Checks.positive("scrub-rate", scrubRate);
        Checks.notNegative("scrub-every", scrubEvery);
        Checks.notNegative("fresh-for", freshFor);
        Checks.notNegative("stale-for", staleFor);
        Checks.notNegative("referrers-fresh-for", referrersFreshFor);
    }
}
