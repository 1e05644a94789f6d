package dev.entrepot.replicator;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Counts what a run does, and draws it as one line: images, bytes, rate and the time that is left, of all targets
 * together. Whoever draws it decides when, and where. Safe for all threads.
 */
public final class ProgressLine implements ProgressListener {
    private static final int BAR = 20;

    private final InstantSource clock;
    private final Instant started;
    private final Map<String, Counts> targets = new TreeMap<>();

    /** What is known of one target, or of all. */
    private record Counts(long images, long done, long failed, long bytes, long moved) {
        static final Counts NONE = new Counts(0, 0, 0, 0, 0);

        Counts plus(Counts other) {
            return new Counts(
                    images + other.images,
                    done + other.done,
                    failed + other.failed,
                    bytes + other.bytes,
                    moved + other.moved);
        }
    }

    /** Starts counting now. */
    public ProgressLine(InstantSource clock) {
        this.clock = clock;
        this.started = clock.instant();
    }

    @Override
    public synchronized void planned(String target, long images, long bytes) {
        targets.merge(target, new Counts(images, 0, 0, bytes, 0), Counts::plus);
    }

    @Override
    public synchronized void moved(String target, long bytes) {
        targets.merge(target, new Counts(0, 0, 0, 0, bytes), Counts::plus);
    }

    @Override
    public synchronized void finished(ItemReport item) {
        long failed = item.state() == ItemReport.State.FAILED ? 1 : 0;
        targets.merge(item.target(), new Counts(0, 1, failed, 0, 0), Counts::plus);
    }

    /**
     * How far a run has come.
     *
     * @param images planned
     * @param done of them, failed ones included
     * @param failed of them
     * @param bytes planned
     * @param movedBytes of them; more, if more had to be moved than was planned
     * @param bytesPerSecond moved since the start, on average
     * @param left the time that is left at this rate; empty if that cannot be said
     * @param text the same as a line
     */
    public record Progress(
            long images,
            long done,
            long failed,
            long bytes,
            long movedBytes,
            long bytesPerSecond,
            Optional<Duration> left,
            String text) {}

    /** How far the run has come, in numbers. */
    public synchronized Progress progress() {
        Counts all = targets.values().stream().reduce(Counts.NONE, Counts::plus);
        double share = sharePlanned(all);
        return new Progress(
                all.images(),
                all.done(),
                all.failed(),
                all.bytes(),
                all.moved(),
                rate(all),
                left(share),
                text(all, share));
    }

    /** The line for a terminal, with a bar; without a line break. */
    public synchronized String draw() {
        Counts all = targets.values().stream().reduce(Counts.NONE, Counts::plus);
        // Before there is anything to move, and when more had to be moved than planned, images are the better measure.
        boolean byBytes = all.bytes() > 0 && all.moved() <= all.bytes();
        double share = byBytes ? (double) all.moved() / all.bytes() : ratio(all.done(), all.images());
        int filled = (int) (share * BAR);
        return "[" + "#".repeat(filled) + "-".repeat(BAR - filled) + "] " + text(all, share);
    }

    /** The same without a bar, for logs. */
    public synchronized String plain() {
        Counts all = targets.values().stream().reduce(Counts.NONE, Counts::plus);
        return text(all, sharePlanned(all));
    }

    private static double sharePlanned(Counts all) {
        return all.bytes() > 0 ? Math.min(1, ratio(all.moved(), all.bytes())) : ratio(all.done(), all.images());
    }

    private Duration past() {
        return Duration.between(started, clock.instant());
    }

    private long rate(Counts all) {
        Duration past = past();
        return past.isZero() ? 0 : (long) (all.moved() * 1000.0 / Math.max(1, past.toMillis()));
    }

    private Optional<Duration> left(double share) {
        return share <= 0 || share >= 1
                ? Optional.empty()
                : Optional.of(Duration.ofMillis((long) (past().toMillis() * (1 - share) / share)));
    }

    private String text(Counts all, double share) {
        String left = left(share).map(time -> ", " + Sizes.time(time) + " left").orElse("");
        // As long as no image is planned, there is only content that is looked at or sent ahead.
        String images = all.images() == 0 && all.bytes() > 0
                ? ""
                : all.done() + "/" + all.images() + " images"
                        + (all.failed() > 0 ? " (" + all.failed() + " failed)" : "") + ", ";
        return images + Sizes.bytes(all.moved()) + "/" + Sizes.bytes(all.bytes()) + ", " + Sizes.bytes(rate(all)) + "/s"
                + left;
    }

    private static double ratio(long part, long whole) {
        return whole == 0 ? 0 : (double) part / whole;
    }
}
