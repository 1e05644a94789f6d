package dev.entrepot.replicator.graph;

import dev.entrepot.oci.OciLimits;

/**
 * How large a graph may be. A graph that exceeds a limit is refused, never cut.
 *
 * @param indexDepth deepest nesting of indexes
 * @param referrerDepth longest chain of referrers of referrers
 * @param nodes most manifests and blobs; what an index names counts before it is asked for
 */
public record WalkLimits(int indexDepth, int referrerDepth, int nodes) {
    /** The limits of this project. */
    public static final WalkLimits DEFAULT =
            new WalkLimits(OciLimits.MAX_INDEX_DEPTH, OciLimits.MAX_REFERRER_DEPTH, OciLimits.MAX_GRAPH_NODES);
}
