package dev.entrepot.proxy.page;

import dev.entrepot.cache.CacheIndex;
import dev.entrepot.cache.CacheStatistics;
import dev.entrepot.cache.DiskUsage;
import dev.entrepot.cache.Evictor;
import dev.entrepot.cache.PullThroughCache;
import dev.entrepot.cache.RuleEvent;
import dev.entrepot.cache.StaleCause;
import dev.entrepot.oci.OciJson;
import dev.entrepot.proxy.admin.Readiness;
import java.io.IOException;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** The figures of the overview. All of them are at hand: nothing is read from the index. Safe for all threads. */
final class Overview {
    private final PageSources sources;
    private final InstantSource clock;
    private final Instant started;

    Overview(PageSources sources) {
        this.sources = sources;
        this.clock = sources.clock();
        this.started = clock.instant();
    }

    /** The figures now. */
    ObjectNode json() throws IOException {
        ObjectNode json = OciJson.mapper().createObjectNode();
        json.put("version", sources.version());
        json.put("started", started.toString());
        health(json, sources.readiness());
        json.set("traffic", sources.traffic().json(clock.instant()));
        json.set("fills", fills(sources.cache()));
        json.set("disk", disk(sources.evictor(), sources.index()));
        json.put("refusals", sources.refusals().count());
        return json;
    }

    private static void health(ObjectNode json, Readiness readiness) {
        Optional<String> against = readiness.reasonAgainst();
        json.put("ready", against.isEmpty());
        against.ifPresent(reason -> json.put("reason", reason));
        ArrayNode remarks = json.putArray("remarks");
        readiness.remarks().forEach(remarks::add);
    }

    private static ObjectNode fills(PullThroughCache cache) {
        CacheStatistics.Snapshot counts = cache.statistics();
        ObjectNode json = OciJson.mapper().createObjectNode();
        json.put("active", cache.fetchesUnderWay());
        json.put("begun", counts.fills());
        json.put("failed", counts.fillsFailed());
        json.put("degraded", counts.degraded());
        json.put("joined", counts.joined());
        json.put("fetchedBytes", counts.bytesFetched() + counts.bytesAhead());
        ObjectNode stale = json.putObject("stale");
        for (StaleCause cause : StaleCause.values()) {
            stale.put(cause.label(), cache.ruleCounters().stale(cause));
        }
        ObjectNode rules = json.putObject("rules");
        for (RuleEvent event : RuleEvent.values()) {
            rules.put(event.label(), cache.ruleCounters().of(event));
        }
        return json;
    }

    private static ObjectNode disk(Evictor evictor, CacheIndex index) throws IOException {
        ObjectNode json = OciJson.mapper().createObjectNode();
        DiskUsage usage = evictor.usage();
        json.put("usedBytes", usage.total());
        json.put("contentBytes", usage.stored());
        json.put("comingBytes", usage.coming());
        json.put("quarantineBytes", usage.quarantine());
        json.put("ballastBytes", usage.ballast());
        json.put("capacityBytes", evictor.capacityBytes());
        json.put("highBytes", evictor.limits().highBytes());
        json.put("freeBytes", evictor.freeBytes());
        json.put("minFreeBytes", evictor.limits().minFreeBytes());
        json.put("storedCount", index.contents().storedCount());
        json.put("smallBytes", index.contents().smallBytes());
        json.put("pinnedBytes", evictor.pinnedBytes());
        json.put("evictions", evictor.evictions());
        json.put("evictedBytes", evictor.evictedBytes());
        return json;
    }
}
