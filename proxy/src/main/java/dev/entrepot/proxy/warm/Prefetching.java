package dev.entrepot.proxy.warm;

import dev.entrepot.cache.CacheRules;
import dev.entrepot.cache.CacheSettings;
import dev.entrepot.cache.FetchListener;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.Tag;
import dev.entrepot.proxy.admin.Metrics;
import dev.entrepot.replicator.fill.FillQueue;
import dev.entrepot.replicator.fill.FillReport;
import dev.entrepot.replicator.fill.FillRequest;
import dev.entrepot.replicator.fill.GraphFiller;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Fetches what a client will ask for next: where a rule says {@code prefetch}, a manifest that had to be fetched, for a client or behind one that was given the former, brings
 * the rest of its graph into the cache. A hit asks for nothing, so that it costs nothing. Safe for all threads.
 */
public final class Prefetching implements FetchListener, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Prefetching.class);
    private static final int GRAPHS_AT_ONCE = 4;
    private static final int WAITING = 10_000;

    private final CacheRules rules;
    private final FillQueue queue;
    private final Metrics.Counter graphs;

    /** Nothing is prefetched yet. */
    public Prefetching(CacheRules rules, GraphFiller filler, Metrics metrics) {
        this.rules = rules;
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
        CacheSettings settings = reference instanceof Tag tag ? rules.of(repository, tag) : rules.of(repository);
        settings.prefetch().ifPresent(part -> {
            FillRequest wanted = new FillRequest(repository, manifest.digest(), part.platforms(), part.referrers());
            if (queue.offer(wanted) == FillQueue.Offer.DROPPED) {
                graphs.with("dropped").increment();
            }
        });
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
