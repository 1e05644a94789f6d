package dev.entrepot.config;

import dev.entrepot.oci.Platform;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/** The keys of {@code cache:}. */
final class CacheKeys {
    private static final Key<CacheConfig, Path> DIRECTORY =
            Key.withDefault("directory", Types.PATH, "./data", CacheConfig::directory, "Folder of the content store.");
    private static final Key<CacheConfig, ByteSize> CAPACITY = Key.withDefault(
            "capacity",
            Types.SIZE_NOT_ZERO,
            "50GiB",
            CacheConfig::capacity,
            "The most that is stored, unfinished blobs included.");
    private static final Key<CacheConfig, Percent> HIGH_WATERMARK = Key.withDefault(
            "high-watermark",
            Types.PERCENT,
            "98%",
            CacheConfig::highWatermark,
            "The part of the capacity beyond which eviction begins in the background.");
    private static final Key<CacheConfig, Percent> LOW_WATERMARK = Key.withDefault(
            "low-watermark",
            Types.PERCENT,
            "95%",
            CacheConfig::lowWatermark,
            "The part of the capacity down to which is evicted.");
    private static final Key<CacheConfig, ByteSize> MIN_FREE = Key.withDefault(
            "min-free", Types.SIZE, "1GiB", CacheConfig::minFree, "Bytes of the disk to leave free for others.");
    private static final Key<CacheConfig, Duration> FRESH_FOR = Key.withDefault(
            "fresh-for",
            Types.DURATION,
            "1m",
            CacheConfig::freshFor,
            "How long a tag is served without asking the upstream.");
    private static final Key<CacheConfig, Duration> STALE_FOR = Key.withDefault(
            "stale-for",
            Types.DURATION,
            "7d",
            CacheConfig::staleFor,
            "How long a tag is served while the upstream is out.");
    private static final Key<CacheConfig, Duration> REFERRERS_FRESH_FOR = Key.withDefault(
            "referrers-fresh-for",
            Types.DURATION,
            "1m",
            CacheConfig::referrersFreshFor,
            "How long a list of referrers is served without asking the upstream.");
    private static final Key<CacheConfig, Duration> SCRUB_EVERY = Key.withDefault(
            "scrub-every",
            Types.DURATION,
            "30d",
            CacheConfig::scrubEvery,
            "How long after a scrub, which reads all that is stored and checks its digest, the next one begins; 0s: never by itself.");
    private static final Key<CacheConfig, ByteSize> SCRUB_RATE = Key.withDefault(
            "scrub-rate", Types.SIZE_NOT_ZERO, "10MiB", CacheConfig::scrubRate, "Bytes per second that a scrub reads.");
    private static final Key<CacheConfig, ByteSize> MEMORY = Key.withDefault(
            "memory",
            Types.SIZE,
            "64MiB",
            CacheConfig::memory,
            "Bytes of memory for manifests; half of the heap at most, which the log says at the start where it is less.");

    private static final Key<CacheConfig, List<Platform>> PLATFORMS = Key.list(
            "platforms",
            ListType.notEmpty(Types.PLATFORM),
            CacheConfig::platforms,
            "The platforms of an index that this site uses: what the rules' pin and prefetch, and cache warm, mean that name none; all of them without this key.");

    static final Section<CacheConfig> SECTION = new Section<>(
            "cache",
            List.of(
                    DIRECTORY,
                    CAPACITY,
                    MIN_FREE,
                    HIGH_WATERMARK,
                    LOW_WATERMARK,
                    FRESH_FOR,
                    STALE_FOR,
                    REFERRERS_FRESH_FOR,
                    SCRUB_EVERY,
                    SCRUB_RATE,
                    MEMORY,
                    PLATFORMS),
            values -> new CacheConfig(
                    values.get(DIRECTORY),
                    values.get(CAPACITY),
                    values.get(MIN_FREE),
                    values.get(HIGH_WATERMARK),
                    values.get(LOW_WATERMARK),
                    values.get(FRESH_FOR),
                    values.get(STALE_FOR),
                    values.get(REFERRERS_FRESH_FOR),
                    values.get(SCRUB_EVERY),
                    values.get(SCRUB_RATE),
                    values.get(MEMORY),
                    values.get(PLATFORMS)));

    private CacheKeys() {}
}
