package dev.entrepot.cache;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.Manifest;
import dev.entrepot.oci.ManifestBytes;
import java.time.Clock;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Predicate;

/**
 * The images that are being pulled: of those no blob is evicted, so that a client that has begun finds the rest. A pull runs from the answer with the manifest
 * until each of its blobs was asked for, or none for {@link #PATIENCE}; and for as long as any of them is being fetched. Safe for all threads.
 */
final class RunningGraphs {
    /** How long a pull is waited for that asks for nothing. */
    static final Duration PATIENCE = Duration.ofMinutes(1);

    private static final int MOST = 10_000;
    private static final Duration BETWEEN_TIDYINGS = Duration.ofSeconds(10);

    private static final class Run {
        private final Set<Digest> blobs;
        private final Set<Digest> awaited = ConcurrentHashMap.newKeySet();
        private volatile long lastAsked;

        Run(Set<Digest> blobs, long now) {
            this.blobs = blobs;
            this.awaited.addAll(blobs);
            this.lastAsked = now;
        }
    }

    private final Clock clock;
    private final Predicate<Digest> fetching;
    private final ConcurrentHashMap<Digest, Run> runs = new ConcurrentHashMap<>();
    private final ConcurrentHashMap<Digest, List<Run>> byBlob = new ConcurrentHashMap<>();
    private long lastTidied;

    /**
     * None are running.
     *
     * @param fetching whether a blob is being fetched
     */
    RunningGraphs(Clock clock, Predicate<Digest> fetching) {
        this.clock = clock;
        this.fetching = fetching;
    }

    /** Notes that a manifest was given to a client, which will ask for its blobs. */
    void served(ManifestBytes manifest) {
        Run known = runs.get(manifest.digest());
        if (known == null || !isRunning(known)) {
            begin(manifest);
        }
    }

    private synchronized void begin(ManifestBytes manifest) {
        tidy();
        Set<Digest> blobs = new HashSet<>();
        try {
            Manifest.parse(manifest).blobs().stream().map(Descriptor::digest).forEach(blobs::add);
        } catch (InvalidContentException e) {
            // Served all the same; what it names is not known.
            return;
        }
        if (blobs.isEmpty() || runs.size() >= MOST) {
            return;
        }
        Run run = new Run(blobs, clock.millis());
        Run before = runs.put(manifest.digest(), run);
        if (before != null) {
            forget(before);
        }
        blobs.forEach(blob -> byBlob.compute(blob, (same, of) -> {
            List<Run> list = of == null ? new CopyOnWriteArrayList<>() : of;
            list.add(run);
            return list;
        }));
    }

    private void tidy() {
        long now = clock.millis();
        if (now - lastTidied < BETWEEN_TIDYINGS.toMillis() && runs.size() < MOST) {
            return;
        }
        lastTidied = now;
        runs.values().removeIf(run -> {
            boolean over = !isRunning(run);
            if (over) {
                forget(run);
            }
            return over;
        });
    }

    private void forget(Run run) {
        run.blobs.forEach(blob -> byBlob.computeIfPresent(blob, (same, of) -> {
            of.remove(run);
            return of.isEmpty() ? null : of;
        }));
    }

    /** Notes that a client has asked for a blob. */
    void asked(Digest blob) {
        List<Run> of = byBlob.get(blob);
        if (of != null) {
            of.forEach(run -> {
                run.lastAsked = clock.millis();
                run.awaited.remove(blob);
            });
        }
    }

    /** Whether a blob belongs to an image that is being pulled. */
    boolean protects(Digest blob) {
        List<Run> of = byBlob.get(blob);
        return of != null && of.stream().anyMatch(this::isRunning);
    }

    private boolean isRunning(Run run) {
        boolean expected = !run.awaited.isEmpty() && clock.millis() - run.lastAsked < PATIENCE.toMillis();
        return expected || run.blobs.stream().anyMatch(fetching);
    }
}
