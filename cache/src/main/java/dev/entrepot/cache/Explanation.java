package dev.entrepot.cache;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.RegistryException;
import dev.entrepot.oci.Repository;
import java.time.Duration;
import java.time.Instant;
import java.util.Collections;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What the cache would do with a request for a manifest or blob now, and why. Made by the same decisions that serve,
 * without asking any upstream.
 *
 * @param repository the repository
 * @param reference the tag or digest
 * @param blob whether it is a blob, so far as is known
 * @param settings what rules say
 * @param kept what is kept of it
 * @param former what the tag named before, the last at the end, with the time at which each was first seen
 * @param nextCheck from when on the upstream is asked again; without it, it is asked by the next request if
 *     {@code asks} says so, and else never
 * @param pin the pin of just this tag or digest, if there is one
 * @param asks whether a request now would ask the upstream for that: not while a failure is remembered that it is
 *     answered with, or while a circuit breaker is open
 * @param up what a request would get from an upstream that answers, and still has what is kept
 * @param down what a request would get from one that does not, by what is wrong with it
 */
public record Explanation(
        Repository repository,
        ManifestReference reference,
        boolean blob,
        CacheSettings settings,
        Optional<KeptGraph> kept,
        Map<Digest, Instant> former,
        Optional<Instant> nextCheck,
        Optional<Pin> pin,
        Asks asks,
        Outcome up,
        Map<StaleCause, Outcome> down) {
    /** The mirrors that are asked before an upstream. */
    @FunctionalInterface
    public interface Mirrors {
        /** There are none. */
        Mirrors NONE = (reference, blob) -> List.of();

        /** The names of those that would be asked for something now. */
        List<String> askedFor(ManifestReference reference, boolean blob);
    }

    /** Whether a request asks the upstream. */
    public enum Asks {
        /** It does not. */
        NOT,
        /** After it was answered from what is kept. */
        BEHIND,
        /** Before it is answered. */
        BEFORE
    }

    /** What a request gets. */
    public sealed interface Outcome {
        /**
         * A manifest or blob.
         *
         * @param verdict where it comes from
         * @param digest which one; empty if only the upstream can say
         */
        record Served(Verdict verdict, Optional<Digest> digest) implements Outcome {}

        /**
         * An error.
         *
         * @param head what a HEAD gets all the same, because what a tag names is enough for it
         */
        record Failed(RegistryException failure, Optional<Served> head) implements Outcome {
            /** An error for all that is asked. */
            public Failed(RegistryException failure) {
                this(failure, Optional.empty());
            }
        }

        /**
         * What only the upstream can say.
         *
         * @param what what is not known
         */
        record Unknown(String what) implements Outcome {}
    }

    /**
     * What is kept.
     *
     * @param digest the manifest or blob
     * @param here whether its bytes are kept, and not only what the tag names
     * @param confirmedAt when the upstream last said that the tag names it; empty for a digest
     * @param age the time since then
     * @param firstSeenAt when the upstream first said that the tag names it; empty for a digest
     * @param manifests the manifests of its graph that are known of, itself included; with the blobs 100 000 at most
     * @param manifestsKept those of them that are kept; only 1000 below the first are looked for
     * @param blobs the blobs that these name
     * @param blobsKept those of them that are kept
     * @param bytesKept the bytes of all that is kept
     */
    public record KeptGraph(
            Digest digest,
            boolean here,
            Optional<Instant> confirmedAt,
            Duration age,
            Optional<Instant> firstSeenAt,
            int manifests,
            int manifestsKept,
            int blobs,
            int blobsKept,
            long bytesKept) {}

    /** Copies what can be changed. */
    public Explanation {
        former = Collections.unmodifiableMap(new LinkedHashMap<>(former));
        down = Collections.unmodifiableMap(new EnumMap<>(down));
    }
}
