package dev.entrepot.proxy.warm;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.entrepot.cache.Answer;
import dev.entrepot.cache.CacheRules;
import dev.entrepot.cache.CacheSettings;
import dev.entrepot.cache.FetchListener;
import dev.entrepot.cache.GraphPart;
import dev.entrepot.cache.Verdict;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.Tag;
import dev.entrepot.proxy.admin.Metrics;
import dev.entrepot.replicator.fill.FillQueue;
import dev.entrepot.replicator.fill.FillReport;
import dev.entrepot.replicator.fill.FillRequest;
import dev.entrepot.replicator.fill.GraphFiller;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Fetches what a client will ask for next: where a rule says {@code prefetch}, a manifest that had to be fetched, for a
 * client or behind one that was given the former, brings the rest of its graph into the cache. So does a tag or an
 * index that was kept, once an hour at most: the rule may be younger than what is kept, layers may have been evicted,
 * and signatures come late. Such a hit costs the client a look into one memory more. Safe for all threads.
 */
public final class Prefetching implements FetchListener, PullListener, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Prefetching.class);
    private static final int GRAPHS_AT_ONCE = 4;
    private static final int WAITING = 10_000;
    // Those that are forgotten are only looked at sooner.
    private static final int REMEMBERED = 20_000;
    private static final Duration BETWEEN_LOOKS = Duration.ofHours(1);

    private final CacheRules rules;
    private final Clock clock;
    // What was to be brought in, and when.
    private final Cache<FillRequest, Long> looked = Caffeine.newBuilder()
            .maximumSize(REMEMBERED)
            .executor(Runnable::run)
            .build();
    private final FillQueue queue;
    private final Metrics.Counter graphs;

    /** Nothing is prefetched yet. */
    public Prefetching(CacheRules rules, GraphFiller filler, Clock clock, Metrics metrics) {
        this.rules = rules;
        this.clock = clock;
        this.graphs = metrics.counter(
                "entrepot_prefetch_graphs_total",
                "Graphs that were to be prefetched, by what became of it.",
                "outcome");
        List.of("complete", "incomplete", "dropped").forEach(graphs::with);
        this.queue = new FillQueue(filler, GRAPHS_AT_ONCE, WAITING, this::done);
        metrics.gauge("entrepot_prefetch_waiting", "Graphs that wait to be prefetched.", queue::waiting);
    }

    @Override
    public void fetched(Repository repository, ManifestReference reference, ManifestBytes manifest) {
        settings(repository, reference).prefetch().ifPresent(part -> {
            FillRequest wanted = wanted(repository, manifest.digest(), part);
            looked.put(wanted, clock.millis());
            offer(wanted);
        });
    }

    // What had to be fetched was offered before the client had it. What was not, but for a HEAD only described by the
    // upstream, where pulls are counted, is a miss as well: a HEAD costs no pull.
    @Override
    public void pulled(Repository repository, ManifestReference reference, Answer<Descriptor> answer) {
        boolean root = reference instanceof Tag || answer.content().mediaType().isIndex();
        // While the upstream is out there is nothing to be had, and the hour is not spent on that.
        if (!root || !answer.verdict().isOfTheStore() || answer.verdict() == Verdict.STALE) {
            return;
        }
        Optional<GraphPart> part = settings(repository, reference).prefetch();
        if (part.isPresent() && !rules.of(repository).offline()) {
            FillRequest wanted = wanted(repository, answer.content().digest(), part.get());
            if (isDue(wanted)) {
                offer(wanted);
            }
        }
    }

    private CacheSettings settings(Repository repository, ManifestReference reference) {
        return reference instanceof Tag tag ? rules.of(repository, tag) : rules.of(repository);
    }

    private static FillRequest wanted(Repository repository, Digest digest, GraphPart part) {
        return new FillRequest(repository, digest, part.platforms(), part.referrers());
    }

    // For one of all who ask at the same time. A clock that was set back by more makes no more than one look of it.
    private boolean isDue(FillRequest wanted) {
        Long last = looked.getIfPresent(wanted);
        long now = clock.millis();
        if (last == null) {
            return looked.asMap().putIfAbsent(wanted, now) == null;
        }
        return Math.abs(now - last) >= BETWEEN_LOOKS.toMillis()
                && looked.asMap().replace(wanted, last, now);
    }

    private void offer(FillRequest wanted) {
        if (queue.offer(wanted) == FillQueue.Offer.DROPPED) {
            looked.invalidate(wanted);
            graphs.with("dropped").increment();
        }
    }

    private void done(FillReport report) {
        graphs.with(report.isComplete() ? "complete" : "incomplete").increment();
        Optional<FillReport.Failure> first = report.failures().stream().findFirst();
        first.ifPresent(failure -> LOG.info(
                "{} was not prefetched as a whole: {} things are missing, the first is {}: {}",
                report.request().image(),
                report.failures().size(),
                failure.node(),
                failure.cause()));
    }

    @Override
    public void close() {
        queue.close();
    }
}
