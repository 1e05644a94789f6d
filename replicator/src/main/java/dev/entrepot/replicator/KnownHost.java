package dev.entrepot.replicator;

import java.util.EnumMap;
import java.util.Map;

/**
 * What is known of one host, which all runs that go there share: when it may be asked again for what, how many uploads
 * it takes at a time, and where nothing is looked at that is left over. Safe for all threads.
 *
 * <p>An answer that refuses, 429 or 5xx, is about the requests of its {@link RequestKind} and holds back these alone:
 * registries limit uploads, manifests and blobs apart, and one that limits all together says so to each. That there is
 * no answer, because nobody can connect or there is no token, is about the host, and holds back everything.
 */
final class KnownHost {
    private final BackOff whole;
    private final Map<RequestKind, BackOff> kinds = new EnumMap<>(RequestKind.class);
    private final AdaptiveLimit uploads;
    private final LeftoverPauses leftoverPauses;
    private final boolean heeded;

    /**
     * A host of which nothing is known.
     *
     * @param mostUploads uploads at a time that are never exceeded
     * @param heeded whether its client heeds by itself what it asks for, and for whom
     */
    KnownHost(int mostUploads, boolean heeded, RetryPolicy policy, Time time) {
        this.heeded = heeded;
        this.whole = new BackOff("", policy, time);
        for (RequestKind kind : RequestKind.values()) {
            kinds.put(kind, new BackOff(" for " + kind.words(), policy, time));
        }
        this.uploads = new AdaptiveLimit(mostUploads, time);
        this.leftoverPauses = new LeftoverPauses(time);
    }

    /**
     * Whether its client heeds for all that ask what it asks for; else each refusal is heeded here, as soon as it
     * comes.
     */
    boolean isHeeded() {
        return heeded;
    }

    /** How many uploads may be under way. */
    AdaptiveLimit uploads() {
        return uploads;
    }

    /** Where nothing is looked at that is left over. */
    LeftoverPauses leftoverPauses() {
        return leftoverPauses;
    }

    /** What a run that begins now sees of the whole host. */
    BackOff.View whole() {
        return whole.view();
    }

    /** What a run that begins now sees of requests of each kind. */
    Map<RequestKind, BackOff.View> kinds() {
        Map<RequestKind, BackOff.View> views = new EnumMap<>(RequestKind.class);
        kinds.forEach((kind, known) -> views.put(kind, known.view()));
        return views;
    }
}
