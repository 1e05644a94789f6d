package dev.entrepot.replicator.bundle;

import dev.entrepot.replicator.Sizes;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;

/**
 * Counts what an export writes, and draws it as one line: volume, bytes, rate and the time that is left. Safe for all
 * threads.
 */
public final class ExportProgress {
    private static final int BAR = 20;

    private final InstantSource clock;
    private String phase = "selecting";
    private int volume;
    private int volumes;
    private long bytes;
    private long moved;
    private Instant started = Instant.EPOCH;

    /** Nothing is written yet. */
    public ExportProgress(InstantSource clock) {
        this.clock = clock;
    }

    /** Says what is done before anything is written. */
    public synchronized void phase(String doing) {
        phase = doing;
    }

    /** Begins to count bytes. */
    synchronized void begin(int allVolumes, long allBytes) {
        volumes = allVolumes;
        bytes = allBytes;
        moved = 0;
        started = clock.instant();
        phase = "";
    }

    /** A volume is begun. */
    synchronized void volume(int number) {
        volume = number;
    }

    /** So many more bytes were written or found to be right; negative if they have to be written again. */
    synchronized void moved(long more) {
        moved += more;
    }

    /** The line for a terminal, with a bar; without a line break. */
    public synchronized String draw() {
        int filled = (int) (share() * BAR);
        return "[" + "#".repeat(filled) + "-".repeat(BAR - filled) + "] " + plain();
    }

    private double share() {
        return bytes <= 0 ? 0 : Math.clamp((double) moved / bytes, 0.0, 1.0);
    }

    /** The same without a bar, for logs. */
    public synchronized String plain() {
        if (!phase.isEmpty()) {
            return phase;
        }
        Duration past = Duration.between(started, clock.instant());
        long rate = (long) (moved * 1000.0 / Math.max(1, past.toMillis()));
        double share = share();
        String left = share <= 0 || share >= 1
                ? ""
                : ", " + Sizes.time(Duration.ofMillis((long) (past.toMillis() * (1 - share) / share))) + " left";
        return "volume " + volume + "/" + volumes + ", " + Sizes.bytes(moved) + "/" + Sizes.bytes(bytes) + ", "
                + Sizes.bytes(rate) + "/s" + left;
    }
}
