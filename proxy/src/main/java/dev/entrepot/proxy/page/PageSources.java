package dev.entrepot.proxy.page;

import dev.entrepot.cache.CacheIndex;
import dev.entrepot.cache.Evictor;
import dev.entrepot.cache.KeptImages;
import dev.entrepot.cache.PullThroughCache;
import dev.entrepot.proxy.admin.Readiness;
import dev.entrepot.proxy.replication.ReplicationStatus;
import dev.entrepot.proxy.upstreams.UpstreamSurvey;
import java.time.InstantSource;

/**
 * What the page shows.
 *
 * @param version of this program
 * @param clock the time of day
 * @param readiness whether requests should be sent here
 * @param traffic what clients were given
 * @param refusals what clients were not given
 * @param cache the cache
 * @param index its index
 * @param evictor the disk
 * @param images the graphs that are kept
 * @param upstreams how the upstreams are
 * @param replication how the rules stand
 */
public record PageSources(
        String version,
        InstantSource clock,
        Readiness readiness,
        Traffic traffic,
        Refusals refusals,
        PullThroughCache cache,
        CacheIndex index,
        Evictor evictor,
        KeptImages images,
        UpstreamSurvey upstreams,
        ReplicationStatus replication) {}
