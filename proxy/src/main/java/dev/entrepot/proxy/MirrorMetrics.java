package dev.entrepot.proxy;

import dev.entrepot.cache.CacheIndex;
import dev.entrepot.cache.Evictor;
import dev.entrepot.cache.PullThroughCache;
import dev.entrepot.cache.RuleEvent;
import dev.entrepot.cache.StaleCause;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.client.Operation;
import dev.entrepot.oci.client.RequestObserver;
import dev.entrepot.proxy.admin.DurationHistogram;
import dev.entrepot.proxy.admin.Metrics;
import dev.entrepot.proxy.http.RegistryServer;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.LongConsumer;

/** The metrics of the cache and of the upstreams, read from what they count themselves. */
final class MirrorMetrics {
    private MirrorMetrics() {}

    /** Registers what the process says of itself. */
    static void ofProcess(Metrics metrics, String version) {
        metrics.info("entrepot_build_info", "The version of this program.", "version", version);
        Runtime runtime = Runtime.getRuntime();
        metrics.gauge(
                "entrepot_heap_used_bytes",
                "Heap in use, garbage included.",
                () -> runtime.totalMemory() - runtime.freeMemory());
        metrics.gauge("entrepot_heap_max_bytes", "Heap that may be used.", runtime::maxMemory);
    }

    /** Registers what the cache says of itself. */
    static void ofCache(Metrics metrics, PullThroughCache cache, CacheIndex index, Evictor evictor) {
        metrics.counterFrom(
                "entrepot_fills_total",
                "Fetches of blobs begun.",
                () -> cache.statistics().fills());
        metrics.counterFrom(
                "entrepot_fills_failed_total",
                "Fetches of blobs that failed.",
                () -> cache.statistics().fillsFailed());
        metrics.counterFrom(
                "entrepot_fills_degraded_total",
                "Fetches that could not be kept, for want of room or for a fault of the disk, and were passed through.",
                () -> cache.statistics().degraded());
        metrics.counterFrom(
                "entrepot_joined_total",
                "Readers that joined a fetch that was under way.",
                () -> cache.statistics().joined());
        metrics.counterFrom(
                "entrepot_fetched_bytes_total",
                "Bytes of blobs fetched from upstreams, into the store or for an export past it.",
                () -> cache.statistics().bytesFetched());
        metrics.counterFrom(
                "entrepot_ahead_bytes_total",
                "Bytes of blobs read from upstreams for one client, ahead of a fetch.",
                () -> cache.statistics().bytesAhead());
        metrics.countersFrom(
                "entrepot_rule_events_total",
                "What rules made of requests: denied, served or refused for want of age, too large, not asked, and so on.",
                "event",
                List.of(RuleEvent.values()),
                RuleEvent::label,
                event -> cache.ruleCounters().of(event));
        metrics.countersFrom(
                "entrepot_stale_total",
                "Answers served from what is kept in place of one of the upstream, by what is wrong with it.",
                "cause",
                List.of(StaleCause.values()),
                StaleCause::label,
                cause -> cache.ruleCounters().stale(cause));
        metrics.gauge("entrepot_fills_active", "Fetches of blobs under way.", cache::fetchesUnderWay);
        metrics.gauge("entrepot_store_used_bytes", "Bytes in the store, reservations included.", () -> used(evictor));
        metrics.gauge("entrepot_store_capacity_bytes", "Bytes that the store may have.", evictor::capacityBytes);
        metrics.gauge("entrepot_store_objects", "Blobs and manifests in the store.", index.contents()::storedCount);
        metrics.counterFrom("entrepot_evictions_total", "Blobs and manifests evicted.", evictor::evictions);
        metrics.counterFrom("entrepot_evicted_bytes_total", "Bytes evicted.", evictor::evictedBytes);
        metrics.counterFrom(
                "entrepot_index_lost_changes_total",
                "Changes of the index that could not be written.",
                index::lostChanges);
    }

    /** Registers what became of reading the rules again. */
    static void ofReload(Metrics metrics, Optional<ConfigReload> reload, LiveAccess access) {
        metrics.counterFrom(
                "entrepot_rules_reloads_total",
                "How often the rules were read again and put into effect.",
                () -> reload.map(ConfigReload::succeeded).orElse(0L));
        metrics.counterFrom(
                "entrepot_rules_reload_failures_total",
                "How often the rules were to be read again and could not be.",
                () -> reload.map(ConfigReload::failed).orElse(0L));
        metrics.gauge(
                "entrepot_rules_outdated",
                "1 while former rules are in effect: the configuration is wrong, or rules of access wait for a restart.",
                () -> reload.flatMap(ConfigReload::problem).or(access::heldBack).isPresent() ? 1 : 0);
    }

    /** Registers what is open at the registry port. */
    static void ofConnections(Metrics metrics, RegistryServer server, int most) {
        metrics.counterFrom(
                "entrepot_connections_refused_total",
                "Connections closed at once, because their client had too many.",
                server::connectionsRefused);
        metrics.gauge(
                "entrepot_connections",
                "Connections of the registry port; those that closed within the last second are counted still.",
                server::connections);
        metrics.gauge(
                "entrepot_connections_limit",
                "Connections that the registry port may have; at that number the next ones wait.",
                () -> most);
    }

    private static double used(Evictor evictor) {
        try {
            return evictor.usedBytes();
        } catch (IOException e) {
            return Double.NaN;
        }
    }

    /** Registers and counts the requests to upstreams. */
    static RequestObserver ofUpstreams(Metrics metrics) {
        Metrics.Counter requests = metrics.counter(
                "entrepot_upstream_requests_total",
                "Requests to upstreams; the status is \"none\" where there was no answer.",
                "upstream",
                "operation",
                "status");
        DurationHistogram seconds = metrics.durations(
                "entrepot_upstream_seconds",
                "Time to the head of an upstream's answer, or to its failure.",
                "upstream");
        Metrics.Counter bytes = metrics.counter(
                "entrepot_upstream_received_bytes_total",
                "Bytes of the bodies of answers of upstreams, of blobs, manifests, lists, tokens and errors alike.",
                "upstream",
                "operation");
        return new UpstreamRequests(requests, seconds, bytes);
    }

    private record UpstreamRequests(Metrics.Counter requests, DurationHistogram seconds, Metrics.Counter bytes)
            implements RequestObserver {
        @Override
        public void completed(RegistryHost registry, Operation operation, OptionalInt status, Duration took) {
            String code = status.isPresent() ? Integer.toString(status.getAsInt()) : "none";
            requests.with(registry.value(), operation.label(), code).increment();
            seconds.with(registry.value()).record(took.toNanos());
        }

        @Override
        public LongConsumer receiving(RegistryHost registry, Operation operation) {
            return bytes.with(registry.value(), operation.label())::add;
        }
    }
}
