package dev.entrepot.cache;

import dev.entrepot.oci.Digest;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;

/** The bytes of what is stored of some digests. One thread at a time counts; the sums may be asked by all threads. */
final class PinnedBytes {
    private record Counted(long bytes, long largeBytes) {}

    private final StoredContents contents;
    private final Map<Digest, Counted> counted = new HashMap<>();
    private final AtomicLong all = new AtomicLong();
    private final AtomicLong large = new AtomicLong();

    /** Of none, by what is known of what lies on the disk. */
    PinnedBytes(StoredContents contents) {
        this.contents = contents;
    }

    /** Counts a digest as it is stored now, in place of what it was; returns whether it is. */
    boolean count(Digest digest) {
        forget(digest);
        Optional<IndexedContent> content = contents.get(digest);
        if (content.isPresent()) {
            long bytes = content.get().bytes();
            Counted now = new Counted(bytes, DiskPolicy.isSmall(content.get().kind(), bytes) ? 0 : bytes);
            counted.put(digest, now);
            all.addAndGet(now.bytes);
            large.addAndGet(now.largeBytes);
        }
        return content.isPresent();
    }

    /** Counts a digest no more. */
    void forget(Digest digest) {
        Optional.ofNullable(counted.remove(digest)).ifPresent(before -> {
            all.addAndGet(-before.bytes);
            large.addAndGet(-before.largeBytes);
        });
    }

    /** The bytes. */
    long all() {
        return all.get();
    }

    /** The part of them that is in large blobs. */
    long large() {
        return large.get();
    }
}
