package dev.entrepot.replicator;

import dev.entrepot.oci.Digest;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;

/** Counts what a source is sent by one run, without what it has itself. Safe for all threads. */
final class SourceTally {
    private final SourceRegistry source;
    private final LongAdder catalogs = new LongAdder();
    private final LongAdder tagLists = new LongAdder();
    private final LongAdder heads = new LongAdder();
    private final LongAdder referrers = new LongAdder();
    private final LongAdder manifests = new LongAdder();
    private final LongAdder blobs = new LongAdder();
    private final Set<Digest> manifestsRead = ConcurrentHashMap.newKeySet();

    SourceTally(SourceRegistry source) {
        this.source = source;
    }

    void catalog() {
        catalogs.increment();
    }

    void tagList() {
        tagLists.increment();
    }

    void head() {
        heads.increment();
    }

    void referrersList() {
        referrers.increment();
    }

    /** A manifest is about to be read. */
    void manifest(Digest digest) {
        manifestsRead.add(digest);
        if (!source.keeps(digest, true)) {
            manifests.increment();
        }
    }

    /** A manifest is about to be read by a tag. */
    void manifestOfATag() {
        manifests.increment();
    }

    /** A blob is about to be read. */
    void blob(Digest digest) {
        if (!source.keeps(digest, false)) {
            blobs.increment();
        }
    }

    /** What was sent so far. */
    SourceRequests sent() {
        return new SourceRequests(
                catalogs.sum(), tagLists.sum(), heads.sum(), referrers.sum(), manifests.sum(), blobs.sum());
    }

    /** Manifests that were read and that the source does not have itself now. */
    long manifestsNotKept() {
        return manifestsRead.stream()
                .filter(digest -> !source.keeps(digest, true))
                .count();
    }
}
