package dev.entrepot.proxy;

import dev.entrepot.cache.ContentStore;
import dev.entrepot.cache.EvictionReason;
import dev.entrepot.cache.Evictor;
import dev.entrepot.proxy.admin.Metrics;
import java.io.IOException;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.ToDoubleFunction;

/** The metrics of the disk, read from what its parts count themselves. */
final class DiskMetrics {
    // Where pins leave less than this part of the capacity, they are spoken of.
    private static final int PIN_REST_PARTS = 20;

    private DiskMetrics() {}

    /** Registers them. */
    static void of(Metrics metrics, OpenedCache cache) {
        Evictor evictor = cache.evictor();
        metrics.gauges(
                "entrepot_store_class_bytes",
                "Bytes stored: small (manifests, and blobs of less than 64 KiB) and large; exact.",
                List.of("class"),
                () -> List.of(
                        new Metrics.Sample(
                                List.of("small"), cache.index().contents().smallBytes()),
                        new Metrics.Sample(
                                List.of("large"),
                                cache.index().contents().storedBytes()
                                        - cache.index().contents().smallBytes())));
        metrics.gauge(
                "entrepot_index_compared",
                "1 if index and files agree; 0 while they are compared after a crash.",
                () -> cache.index().isCompared() ? 1 : 0);
        ofReasons(
                metrics,
                "entrepot_evictions_by_reason_total",
                "Blobs and manifests evicted, by reason.",
                evictor::evictions);
        ofReasons(
                metrics, "entrepot_evicted_bytes_by_reason_total", "Bytes evicted, by reason.", evictor::evictedBytes);
        metrics.gauge("entrepot_pins", "Pins.", () -> pins(evictor));
        metrics.gauge("entrepot_pinned_bytes", "Bytes stored under pins, each piece once.", evictor::pinnedBytes);
        metrics.counterFrom(
                "entrepot_quarantined_total",
                "Files found bad and put in quarantine.",
                () -> cache.store().quarantined());
        metrics.gauge(
                "entrepot_quarantine_bytes",
                "Bytes of files found bad that are kept for a week, or until their room is needed.",
                () -> cache.store().quarantineBytes());
        metrics.gauge(
                "entrepot_ballast_bytes",
                "Bytes of the file that a start on a full disk deletes.",
                () -> cache.store().ballastBytes());
        metrics.gauge(
                "entrepot_disk_lacking_bytes",
                "Bytes that would have to go for capacity and min-free to be kept, and may not.",
                evictor::lackingBytes);
        metrics.gauge(
                "entrepot_scrub_progress",
                "The part of the present round of scrubbing that is done.",
                () -> cache.scrub().progress().foldersDone()
                        / (double) cache.scrub().progress().folders());
        metrics.counterFrom(
                "entrepot_scrub_read_bytes_total",
                "Bytes read by scrubbing.",
                () -> cache.scrub().progress().readBytes());
        metrics.counterFrom(
                "entrepot_scrub_bad_total",
                "Files that scrubbing found bad.",
                () -> cache.scrub().progress().bad());
    }

    /**
     * What readiness has to say of a disk that cannot be brought below its limits, or that is full of what is pinned:
     * all but a twentieth of the capacity.
     */
    static Optional<String> note(Evictor evictor) {
        long lacking = evictor.lackingBytes();
        return lacking == 0
                ? pinned(evictor.pinnedBytes(), evictor.capacityBytes())
                : Optional.of(CacheTexts.size(lacking)
                        + " more would have to go from the disk for capacity and min-free to be kept, and may not: see what is"
                        + " pinned (entrepot cache pin), free space, or raise the capacity");
    }

    // Before nothing at all finds room.
    private static Optional<String> pinned(long pinnedBytes, long capacityBytes) {
        return capacityBytes - pinnedBytes > capacityBytes / PIN_REST_PARTS
                ? Optional.empty()
                : Optional.of(CacheTexts.size(pinnedBytes) + " of the capacity of " + CacheTexts.size(capacityBytes)
                        + " are pinned: what finds no room beside that is passed through and not kept; unpin what need not"
                        + " stay (entrepot cache pin), or raise the capacity");
    }

    /** What readiness has to say of a disk that has refused to take something, and has taken nothing since. */
    static Optional<String> refusal(ContentStore store) {
        return store.refusals()
                .last()
                .map(refusal -> "a " + refusal.kind().name().toLowerCase(Locale.ROOT) + " could not be stored at "
                        + refusal.at().truncatedTo(ChronoUnit.SECONDS) + ", and none was since: " + refusal.why());
    }

    private static void ofReasons(Metrics metrics, String name, String help, ToDoubleFunction<EvictionReason> value) {
        metrics.counters(name, help, List.of("reason"), () -> {
            List<Metrics.Sample> samples = new ArrayList<>();
            for (EvictionReason reason : EvictionReason.values()) {
                samples.add(new Metrics.Sample(
                        List.of(reason.name().toLowerCase(Locale.ROOT)), value.applyAsDouble(reason)));
            }
            return samples;
        });
    }

    private static double pins(Evictor evictor) {
        try {
            return evictor.pins().pins().size();
        } catch (IOException e) {
            return Double.NaN;
        }
    }
}
