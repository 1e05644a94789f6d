package dev.entrepot.cache;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.Manifest;
import dev.entrepot.oci.ManifestBytes;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;

/**
 * The images that are being pulled: of those neither manifest nor blob is evicted, nor what an index lists, so that a
 * client that has begun finds the rest. A pull runs from the answer with the manifest until each of its blobs was asked
 * for as often as the manifest; without a blob for {@link #FIRST_PATIENCE} at first, then for {@link #PATIENCE}; and
 * for as long as any of them is being fetched, or read while others are still to come.
 *
 * <p>Nobody says for which image he asks for a blob. One that several of these images have counts for those that still
 * wait for it: a layer that all share is asked for all the time, and would keep each image that anybody has looked at.
 * As long as nothing was asked for that one of them alone has, it is waited for no longer than at first. Safe for all
 * threads.
 */
final class RunningGraphs implements ContentInUse {
    /** How long a pull is waited for that asks for nothing more. */
    static final Duration PATIENCE = Duration.ofMinutes(1);
    /** How long the first blob is waited for: who only looks at manifests holds nothing for long. */
    static final Duration FIRST_PATIENCE = Duration.ofSeconds(15);

    private static final int MOST = 10_000;
    /** What is believed of the sizes that a manifest states. */
    private static final long MOST_BYTES = 1L << 48;

    private static final Duration BETWEEN_TIDYINGS = Duration.ofSeconds(10);
    /** How many are looked at for each that begins while there are {@link #MOST}. */
    private static final int LOOKS = 16;

    private static final class Run {
        private final Map<Digest, AtomicInteger> askedFor;
        private final long declaredBytes;
        private final AtomicInteger served = new AtomicInteger(1);
        private final AtomicInteger reading = new AtomicInteger();
        private final AtomicLong awaitedUntil = new AtomicLong();
        // Something that only this one had was asked for: somebody does pull it.
        private volatile boolean certain;

        Run(Map<Digest, AtomicInteger> askedFor, long declaredBytes, long now) {
            this.askedFor = askedFor;
            this.declaredBytes = declaredBytes;
            await(now, FIRST_PATIENCE);
        }

        private void await(long now, Duration patience) {
            awaitedUntil.accumulateAndGet(now + patience.toMillis(), Math::max);
        }

        private Duration patience() {
            return certain ? PATIENCE : FIRST_PATIENCE;
        }

        // Whether it was still waited for: no more often than the manifest was given.
        private boolean counts(Digest blob) {
            AtomicInteger times = Objects.requireNonNull(askedFor.get(blob));
            int most = served.get();
            return times.getAndUpdate(asked -> Math.min(most, asked + 1)) < most;
        }

        private boolean isAwaited(long now) {
            return (now < awaitedUntil.get() || reading.get() > 0) && isIncomplete();
        }

        // With each manifest that is served: no streams.
        private boolean isIncomplete() {
            int most = served.get();
            for (AtomicInteger times : askedFor.values()) {
                if (times.get() < most) {
                    return true;
                }
            }
            return false;
        }
    }

    private final Clock clock;
    private final Predicate<Digest> fetching;
    private final ConcurrentHashMap<Digest, Run> runs = new ConcurrentHashMap<>();
    private final ConcurrentHashMap<Digest, List<Run>> byBlob = new ConcurrentHashMap<>();
    private long lastTidied;
    // Goes round; what it is at was looked at before any other is looked at again.
    private Iterator<Map.Entry<Digest, Run>> hand = Collections.emptyIterator();

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
        if (!joins(manifest, clock.millis())) {
            begin(manifest);
        }
    }

    private boolean joins(ManifestBytes manifest, long now) {
        Run known = runs.get(manifest.digest());
        if (known == null || !isRunning(known, now)) {
            return false;
        }
        known.await(now, FIRST_PATIENCE);
        known.served.incrementAndGet();
        return true;
    }

    private synchronized void begin(ManifestBytes manifest) {
        // Who waits for a manifest gets it together with all others who do: the first of them has begun.
        if (joins(manifest, clock.millis())) {
            return;
        }
        tidy();
        Map<Digest, AtomicInteger> blobs = new HashMap<>();
        long bytes = manifest.sizeBytes();
        try {
            Manifest parsed = Manifest.parse(manifest);
            // Of an index the manifests that it lists are held, for as long as the first question after it is waited
            // for: the one that the client takes has a run of its own then.
            for (Descriptor blob : parsed.blobs().isEmpty() ? parsed.manifests() : parsed.blobs()) {
                blobs.put(blob.digest(), new AtomicInteger());
                bytes = Math.min(MOST_BYTES, bytes + Math.min(MOST_BYTES, blob.sizeBytes()));
            }
        } catch (InvalidContentException e) {
            // Served all the same; what it names is not known.
            return;
        }
        if (blobs.isEmpty() || runs.size() >= MOST) {
            return;
        }
        Run run = new Run(Map.copyOf(blobs), bytes, clock.millis());
        Run before = runs.put(manifest.digest(), run);
        if (before != null) {
            forget(before);
        }
        blobs.keySet()
                .forEach(blob -> byBlob.compute(blob, (same, of) -> {
                    List<Run> list = of == null ? new CopyOnWriteArrayList<>() : of;
                    list.add(run);
                    return list;
                }));
    }

    // All now and then; in between, when there are too many, a few of them each time, so that one that begins costs no
    // more then.
    private void tidy() {
        long now = clock.millis();
        if (now - lastTidied >= BETWEEN_TIDYINGS.toMillis()) {
            lastTidied = now;
            look(runs.entrySet().iterator(), Integer.MAX_VALUE);
        } else if (runs.size() >= MOST) {
            if (!hand.hasNext()) {
                hand = runs.entrySet().iterator();
            }
            look(hand, LOOKS);
        }
    }

    // Not by the iterator: what the hand has waited at may be gone, and another pull of the same image have come.
    private void look(Iterator<Map.Entry<Digest, Run>> at, int most) {
        for (int looked = 0; looked < most && at.hasNext(); looked++) {
            Map.Entry<Digest, Run> next = at.next();
            Run run = next.getValue();
            if (!isRunning(run) && runs.remove(next.getKey(), run)) {
                forget(run);
            }
        }
    }

    private void forget(Run run) {
        run.askedFor
                .keySet()
                .forEach(blob -> byBlob.computeIfPresent(blob, (same, of) -> {
                    of.remove(run);
                    return of.isEmpty() ? null : of;
                }));
    }

    /** A client's question for a blob, and the pulls that it may be part of. */
    final class Asked {
        private final List<Run> of;

        private Asked(List<Run> of) {
            this.of = of;
            await();
        }

        private void await() {
            long now = clock.millis();
            of.forEach(run -> run.await(now, run.patience()));
        }

        /** What it is answered with; as long as that is open, the pulls go on. */
        BlobContent reading(BlobContent content) {
            if (of.isEmpty()) {
                return content;
            }
            of.forEach(run -> run.reading.incrementAndGet());
            return new WatchedContent(content, () -> {
                await();
                of.forEach(run -> run.reading.decrementAndGet());
            });
        }
    }

    /** Notes that a client has asked for a blob. */
    Asked asked(Digest blob) {
        List<Run> of = byBlob.getOrDefault(blob, List.of());
        // Who resumes the reading of a large one asks again.
        boolean ofOne = isOfOne(of);
        List<Run> concerned = new ArrayList<>(of.size());
        for (Run run : of) {
            if (run.counts(blob) || ofOne) {
                concerned.add(run);
            }
            if (ofOne) {
                run.certain = true;
            }
        }
        return new Asked(concerned);
    }

    private static boolean isOfOne(List<Run> of) {
        return of.size() == 1;
    }

    /** Whether this belongs to an image that is being pulled, is its manifest, or is being fetched. */
    @Override
    public boolean isInUse(Digest digest) {
        if (fetching.test(digest)) {
            return true;
        }
        Run own = runs.get(digest);
        List<Run> of = byBlob.get(digest);
        return own != null && isRunning(own) || of != null && of.stream().anyMatch(this::isRunning);
    }

    // As far as manifests state sizes; what images share counts for each. What is being fetched is not stored yet.
    @Override
    public long mostBytes() {
        return runs.values().stream().mapToLong(run -> run.declaredBytes).sum();
    }

    @Override
    public Set<Digest> all() {
        Set<Digest> held = new HashSet<>();
        runs.forEach((manifest, run) -> {
            if (isRunning(run)) {
                held.add(manifest);
                held.addAll(run.askedFor.keySet());
            }
        });
        return held;
    }

    private boolean isRunning(Run run) {
        return isRunning(run, clock.millis());
    }

    private boolean isRunning(Run run, long now) {
        return run.isAwaited(now) || run.askedFor.keySet().stream().anyMatch(this::isFetchedForOne);
    }

    private boolean isFetchedForOne(Digest blob) {
        return fetching.test(blob) && isOfOne(byBlob.getOrDefault(blob, List.of()));
    }
}
