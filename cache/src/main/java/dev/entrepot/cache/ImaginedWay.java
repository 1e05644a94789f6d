package dev.entrepot.cache;

import dev.entrepot.cache.Explanation.Outcome;

/** The way of a request, with an imagined upstream at its end. */
@FunctionalInterface
interface ImaginedWay {
    /** What a request finds on it, given an upstream. */
    Outcome with(ImaginedUpstream upstream);

    /** That of a request for a tag. */
    interface OfTag extends ImaginedWay {
        /** Whether the upstream is asked by a request that is not served from what is kept alone. */
        ImaginedAsking.Checking checking();
    }
}
