package dev.entrepot.proxy.warm;

import dev.entrepot.cache.Answer;
import dev.entrepot.cache.CacheRules;
import dev.entrepot.cache.FetchListener;
import dev.entrepot.cache.GraphPart;
import dev.entrepot.cache.Pin;
import dev.entrepot.cache.PinnedGraphs;
import dev.entrepot.cache.Verdict;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.Tag;
import dev.entrepot.proxy.admin.Metrics;
import dev.entrepot.replicator.fill.FillReport;
import dev.entrepot.replicator.fill.FillRequest;
import dev.entrepot.replicator.fill.GraphFiller;
import dev.entrepot.replicator.graph.Concurrently;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Pins what rules pin, and keeps all that is pinned whole. A tag that a rule pins is pinned when it is pulled, and for as long as the rule says so; what was pinned by
 * hand stays until it is unpinned by hand. Each pinned graph is brought in behind the clients when it is pinned, when its tag has moved, and every hour, because
 * signatures come late and disks lose things; one of which something could not be had again after five minutes. Safe for all threads.
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
    private final Thread thread;
    private boolean closed;

    /** Keeps the pins from now on, on a thread of its own. */
    public PinKeeping(CacheRules rules, PinnedGraphs pins, GraphFiller filler, Clock clock, Metrics metrics) {
        this.rules = rules;
        this.pins = pins;
        this.filler = filler;
        this.clock = clock;
        this.checks = metrics.counter(
                "entrepot_pin_checks_total",
                "Times that a pinned graph was brought in, by what came of it.",
                "outcome");
        List.of("complete", "incomplete").forEach(checks::with);
        metrics.gauge(
                "entrepot_pins_incomplete", "Pinned graphs of which something could not be had.", this::incomplete);
        this.thread = Thread.ofVirtual().name("pins").start(this::keep);
    }

    @Override
    public void pulled(Repository repository, ManifestReference reference, Answer<ManifestBytes> answer) {
        if (answer.verdict() == Verdict.REVALIDATED && reference instanceof Tag tag) {
            ask(repository, tag, false);
        }
    }

    @Override
    public void fetched(Repository repository, ManifestReference reference, ManifestBytes manifest) {
        if (reference instanceof Tag tag) {
            ask(repository, tag, true);
        }
    }

    private void ask(Repository repository, Tag tag, boolean moved) {
        Optional<GraphPart> part = rules.of(repository, tag).pin();
        if (part.isEmpty()) {
            return;
        }
        synchronized (this) {
            Pin pin = ruled(repository, tag, part.get());
            boolean looked = due.containsKey(pin) && !moved;
            if (!looked && asked.size() < MOST_ASKED && asked.add(pin)) {
                notifyAll();
            }
        }
    }

    private static Pin ruled(Repository repository, Tag tag, GraphPart part) {
        return new Pin(repository, tag, part.platforms(), part.referrers(), true);
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
                } catch (IOException | RuntimeException e) {
                    LOG.error("pins could not be looked after", e);
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
        List<Pin> fresh = new ArrayList<>();
        synchronized (this) {
            fresh.addAll(asked);
            asked.clear();
        }
        for (Pin pin : fresh) {
            pinIfFree(pin);
        }
        List<Pin> all = released(pins.pins());
        List<Pin> now = dueNow(all, fresh);
        Concurrently.map(now, GRAPHS_AT_ONCE, this::complete);
    }

    // What somebody pinned by hand stays as it is.
    private void pinIfFree(Pin pin) throws IOException {
        Optional<Pin> known = pins.pins().stream()
                .filter(other -> other.repository().equals(pin.repository())
                        && other.reference().equals(pin.reference()))
                .findFirst();
        if (known.isEmpty() || known.get().ruled() && !known.get().equals(pin)) {
            pins.pin(pin);
        }
    }

    private List<Pin> released(List<Pin> all) throws IOException {
        List<Pin> kept = new ArrayList<>();
        for (Pin pin : all) {
            boolean still = !pin.ruled()
                    || pin.reference() instanceof Tag tag
                            && rules.of(pin.repository(), tag).pin().isPresent();
            if (still) {
                kept.add(pin);
            } else {
                LOG.info("{} is not pinned any more: no rule says so", pin);
                pins.unpin(pin.repository(), pin.reference());
            }
        }
        return kept;
    }

    private synchronized List<Pin> dueNow(List<Pin> all, List<Pin> fresh) {
        due.keySet().retainAll(Set.copyOf(all));
        incomplete.retainAll(due.keySet());
        Instant now = clock.instant();
        return all.stream()
                .filter(pin -> fresh.contains(pin)
                        || !due.getOrDefault(pin, Instant.MIN).isAfter(now))
                .toList();
    }

    private boolean complete(Pin pin) throws InterruptedIOException {
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
        return whole;
    }

    @Override
    public void close() {
        synchronized (this) {
            closed = true;
            notifyAll();
        }
        thread.interrupt();
        try {
            if (!thread.join(ENDS)) {
                LOG.warn("what is pinned was still being completed after {} s", ENDS.toSeconds());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
