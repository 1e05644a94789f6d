package dev.entrepot.proxy.warm;

import dev.entrepot.cache.Answer;
import dev.entrepot.cache.CacheRules;
import dev.entrepot.cache.FetchListener;
import dev.entrepot.cache.GraphPart;
import dev.entrepot.cache.Pin;
import dev.entrepot.cache.PinnedGraphs;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.Tag;
import dev.entrepot.proxy.admin.Metrics;
import dev.entrepot.replicator.fill.FillReport;
import dev.entrepot.replicator.fill.FillRequest;
import dev.entrepot.replicator.fill.GraphFiller;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Pins what rules pin, and keeps all that is pinned whole. A tag or digest that a rule pins is pinned when it is
 * pulled, from wherever it comes, and for as long as the rule says so; but a digest that a pinned tag names, or has
 * named, or that is under another pin, stands and falls with that. What was pinned by hand stays until it is unpinned
 * by hand. Each pinned graph is brought in behind the clients when it is pinned, when its tag has moved, and every
 * hour, because signatures come late and disks lose things; one of which something could not be had again after five
 * minutes. Safe for all threads.
 */
public final class PinKeeping implements PullListener, FetchListener, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(PinKeeping.class);
    private static final Duration BETWEEN_LOOKS = Duration.ofSeconds(30);
    private static final Duration COMPLETE_AGAIN = Duration.ofHours(1);
    private static final Duration RETRY = Duration.ofMinutes(5);
    private static final Duration ENDS = Duration.ofSeconds(10);
    private static final int GRAPHS_AT_ONCE = 4;
    private static final int MOST_ASKED = 10_000;

    private final CacheRules rules;
    private final PinnedGraphs pins;
    private final GraphFiller filler;
    private final Clock clock;
    private final Metrics.Counter checks;
    private final Set<Pin> asked = new LinkedHashSet<>();
    private final Map<Pin, Instant> due = new HashMap<>();
    private final Set<Pin> incomplete = new LinkedHashSet<>();
    private final Set<Pin> settled = new HashSet<>();
    private Instant settledSince;
    // Those that are being completed, and whether they are to be once more.
    private final Map<Pin, Boolean> underWay = new HashMap<>();
    private final Semaphore room = new Semaphore(GRAPHS_AT_ONCE, true);
    private final ExecutorService completing = Executors.newVirtualThreadPerTaskExecutor();
    private final Thread thread;
    private boolean closed;

    /** Keeps the pins from now on, on a thread of its own. */
    public PinKeeping(CacheRules rules, PinnedGraphs pins, GraphFiller filler, Clock clock, Metrics metrics) {
        this.rules = rules;
        this.pins = pins;
        this.filler = filler;
        this.clock = clock;
        this.settledSince = clock.instant();
        this.checks = metrics.counter(
                "entrepot_pin_checks_total",
                "Times that a pinned graph was brought in, by what came of it.",
                "outcome");
        List.of("complete", "incomplete").forEach(checks::with);
        metrics.gauge(
                "entrepot_pins_incomplete", "Pinned graphs of which something could not be had.", this::incomplete);
        this.thread = Thread.ofVirtual().name("pins").start(this::keep);
    }

    // A digest that was fetched was asked for before the client had it. One that was not kept, and is not now, was only
    // described by the upstream, for a HEAD where pulls are counted: that is to cost none, and has nothing to pin.
    @Override
    public void pulled(Repository repository, ManifestReference reference, Answer<Descriptor> answer) {
        if (reference instanceof Tag || answer.verdict().isOfTheStore()) {
            ask(repository, reference, false);
        }
    }

    @Override
    public void fetched(Repository repository, ManifestReference reference, ManifestBytes manifest) {
        ask(repository, reference, reference instanceof Tag);
    }

    private void ask(Repository repository, ManifestReference reference, boolean moved) {
        Optional<GraphPart> part = part(repository, reference);
        if (part.isEmpty()) {
            return;
        }
        Pin pin = new Pin(
                repository, reference, part.get().platforms(), part.get().referrers(), true);
        synchronized (this) {
            boolean looked = (due.containsKey(pin) || settled.contains(pin)) && !moved;
            if (!looked && asked.size() < MOST_ASKED && asked.add(pin)) {
                notifyAll();
            }
        }
    }

    private Optional<GraphPart> part(Repository repository, ManifestReference reference) {
        return switch (reference) {
            case Tag tag -> rules.of(repository, tag).pin();
            case Digest _ -> rules.of(repository).pin();
        };
    }

    private synchronized int incomplete() {
        return incomplete.size();
    }

    private void keep() {
        try {
            while (!Thread.currentThread().isInterrupted()) {
                try {
                    look();
                } catch (InterruptedIOException e) {
                    return;
                } catch (IOException | RuntimeException | Error e) {
                    // An Error, too, as for want of memory: else nobody would look after them any more.
                    LOG.error("pins could not be looked after", e);
                    forgetSettled();
                }
                await();
            }
        } catch (InterruptedException e) {
            LOG.debug("pins are no longer looked after");
        }
    }

    private synchronized void await() throws InterruptedException {
        if (asked.isEmpty() && !closed) {
            wait(BETWEEN_LOOKS.toMillis());
        }
    }

    private void look() throws IOException {
        Set<Pin> fresh;
        synchronized (this) {
            fresh = new LinkedHashSet<>(asked);
            // Not asked again with every pull, also where it is pinned by hand or by way of a tag; but before long,
            // since those may go.
            settled.addAll(asked);
            asked.clear();
        }
        // Tags first: digests are pulled after them, and because of them.
        List<Pin> inOrder = new ArrayList<>(fresh);
        inOrder.sort(Comparator.comparing((Pin pin) -> pin.reference() instanceof Digest));
        for (Pin pin : inOrder) {
            pinIfFree(pin);
        }
        List<Pin> all = released(pins.pins());
        List<Pin> now = dueNow(all, fresh);
        for (Pin pin : now) {
            begin(pin, fresh.contains(pin));
        }
    }

    // On threads of their own: a large graph, or a slow upstream, must not keep new pins from being pinned.
    private void begin(Pin pin, boolean fresh) {
        synchronized (this) {
            if (underWay.containsKey(pin)) {
                underWay.merge(pin, fresh, Boolean::logicalOr);
                return;
            }
            underWay.put(pin, false);
        }
        try {
            completing.execute(() -> completeInTurn(pin));
        } catch (RejectedExecutionException e) {
            LOG.debug("{} is not completed any more", pin); // this is being closed
        } catch (RuntimeException | Error e) {
            synchronized (this) {
                underWay.remove(pin);
            }
            throw e;
        }
    }

    private void completeInTurn(Pin pin) {
        try {
            room.acquire();
            try {
                complete(pin);
            } finally {
                room.release();
            }
        } catch (InterruptedException | InterruptedIOException e) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException | Error e) {
            LOG.error("the pinned graph of {} could not be looked after", pin, e);
            synchronized (this) {
                due.put(pin, clock.instant().plus(RETRY));
            }
        } finally {
            synchronized (this) {
                if (Boolean.TRUE.equals(underWay.remove(pin))) {
                    due.remove(pin);
                }
            }
        }
    }

    // What somebody pinned by hand stays as it is.
    private void pinIfFree(Pin pin) throws IOException {
        Optional<Pin> known = pins.pin(pin.repository(), pin.reference());
        boolean free = known.isEmpty()
                ? !(pin.reference() instanceof Digest digest && pins.covers(pin.repository(), digest))
                : known.get().ruled() && !known.get().equals(pin);
        if (free) {
            pins.pin(pin);
        }
    }

    /** Forgets what former rules made of pulls, so that the next ones are looked at by the present rules. */
    public void rulesChanged() {
        pins.rulesChanged();
        forgetSettled();
    }

    private synchronized void forgetSettled() {
        settled.clear();
        settledSince = clock.instant();
    }

    private List<Pin> released(List<Pin> all) throws IOException {
        List<Pin> kept = new ArrayList<>();
        for (Pin pin : all) {
            boolean still =
                    !pin.ruled() || part(pin.repository(), pin.reference()).isPresent();
            if (still) {
                kept.add(pin);
            } else {
                LOG.info("{} is not pinned any more: no rule says so", pin);
                forgetSettled();
                pins.unpin(pin.repository(), pin.reference());
            }
        }
        return kept;
    }

    private synchronized List<Pin> dueNow(List<Pin> all, Set<Pin> fresh) {
        due.keySet().retainAll(Set.copyOf(all));
        incomplete.retainAll(due.keySet());
        Instant now = clock.instant();
        if (!settledSince.plus(COMPLETE_AGAIN).isAfter(now) || settled.size() > MOST_ASKED) {
            forgetSettled();
        }
        return all.stream()
                .filter(pin -> fresh.contains(pin)
                        || !due.getOrDefault(pin, Instant.MIN).isAfter(now))
                .toList();
    }

    private void complete(Pin pin) throws InterruptedIOException {
        FillReport report =
                filler.fill(new FillRequest(pin.repository(), pin.reference(), pin.platforms(), pin.referrers()));
        boolean whole = report.isComplete();
        checks.with(whole ? "complete" : "incomplete").increment();
        synchronized (this) {
            due.put(pin, clock.instant().plus(whole ? COMPLETE_AGAIN : RETRY));
            boolean changed = whole ? incomplete.remove(pin) : incomplete.add(pin);
            if (changed && whole) {
                LOG.info("the pinned graph of {} is whole again", pin);
            } else if (changed) {
                FillReport.Failure first = report.failures().getFirst();
                LOG.warn(
                        "the pinned graph of {} is not whole: {} things are missing, the first is {}: {}; it is tried"
                                + " again in {} min",
                        pin,
                        report.failures().size(),
                        first.node(),
                        first.cause(),
                        RETRY.toMinutes());
            }
        }
        forgetUnlessPinned(pin);
    }

    // Rules may have changed meanwhile: what is not pinned so any more is to be looked at when they change back.
    private void forgetUnlessPinned(Pin pin) {
        try {
            if (pins.pin(pin.repository(), pin.reference()).equals(Optional.of(pin))) {
                return;
            }
        } catch (IOException e) {
            LOG.warn("the index cannot be read, so that {} is looked at again: {}", pin, e.toString());
        }
        synchronized (this) {
            due.remove(pin);
            incomplete.remove(pin);
        }
    }

    @Override
    public void close() {
        synchronized (this) {
            closed = true;
            notifyAll();
        }
        thread.interrupt();
        completing.shutdownNow();
        try {
            if (!thread.join(ENDS) || !completing.awaitTermination(ENDS.toSeconds(), TimeUnit.SECONDS)) {
                LOG.warn("what is pinned was still being completed after {} s", ENDS.toSeconds());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
