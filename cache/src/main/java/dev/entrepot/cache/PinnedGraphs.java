package dev.entrepot.cache;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.Tag;
import java.io.IOException;
import java.time.Clock;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The pins, and what may not be evicted because of them. Pins are rows of the index; what is under them is worked out
 * from the manifests that are kept, in memory, when somebody wants to evict and something has changed. Safe for all
 * threads.
 */
public final class PinnedGraphs {
    private static final Logger LOG = LoggerFactory.getLogger(PinnedGraphs.class);

    private final ContentStore store;
    private final CacheIndex index;
    private final Map<Pin, PinnedGraph> graphs = new HashMap<>();
    private final Set<Repository> changed = ConcurrentHashMap.newKeySet();
    private volatile boolean unknown = true;
    private volatile Set<Digest> pinned = Set.of();
    private volatile Map<Digest, Set<Repository>> awaited = Map.of();
    private volatile long bytes;
    private volatile long largeBytes;
    private volatile PinWalk.Served served = (repository, tag, digest) -> false;

    /** The pins of an index. */
    PinnedGraphs(ContentStore store, CacheIndex index) {
        this.store = store;
        this.index = index;
    }

    /** Has what rules hold back protected no less than what is served in its place. */
    void heed(CacheRules rules, Clock clock) {
        Instant start = clock.instant();
        served = (repository, tag, digest) -> Cooldown.of(tag, rules.of(repository, tag))
                .filter(minAge -> !minAge.exceptDigests().contains(digest.digest()))
                .map(minAge -> isTooYoung(digest, minAge, Moment.of(clock, start)))
                .orElse(false);
    }

    private static boolean isTooYoung(TagHistory.Former digest, MinAge minAge, Moment moment) {
        return moment.from(digest.firstSeenAt()).plus(minAge.time()).isAfter(moment.now());
    }

    /**
     * Pins, or changes what a pin covers. When this returns, the pin outlives the process.
     *
     * @throws IOException if the disk refuses
     */
    public void pin(Pin pin) throws IOException {
        long lostBefore = index.lostChanges();
        index.putPin(pin);
        unknown = true;
        index.flush(lostBefore);
    }

    /**
     * Takes a pin away; what was under it may be evicted from now on.
     *
     * @return whether there was one
     * @throws IOException if the disk refuses
     */
    public boolean unpin(Repository repository, ManifestReference reference) throws IOException {
        long lostBefore = index.lostChanges();
        boolean known = index.removePin(repository, reference);
        unknown = true;
        index.flush(lostBefore);
        return known;
    }

    /**
     * All pins, in order.
     *
     * @throws IOException if the index cannot be read
     */
    public List<Pin> pins() throws IOException {
        return index.pins();
    }

    /** What a pin protects now, worked out anew; it need not be one of {@link #pins()}. */
    public PinnedGraph graph(Pin pin) {
        return PinWalk.walk(store, index, pin, served);
    }

    /** What is not stored of a pinned graph, as far as it is known; its root, if its tag is known, when nothing is. */
    public List<Descriptor> missing(Pin pin) {
        return graph(pin).missing();
    }

    /**
     * Whether a digest is under a pin.
     *
     * @throws IOException if the index cannot be read
     */
    public boolean isPinned(Digest digest) throws IOException {
        return pins().stream().anyMatch(pin -> graph(pin).digests().contains(digest));
    }

    /**
     * Whether pins of a repository decide about a manifest already: it is under one, an index under one lists it,
     * wanted or not, or the tag of one has named it.
     *
     * @throws IOException if the index cannot be read
     */
    public boolean covers(Repository repository, Digest digest) throws IOException {
        return pins().stream()
                .filter(pin -> pin.repository().equals(repository))
                .anyMatch(pin -> pin.reference() instanceof Tag tag
                                && index.tagHistory(repository, tag)
                                        .firstSeen(digest)
                                        .isPresent()
                        || PinWalk.covers(store, index, pin, served, digest));
    }

    /** Whether a digest is under a pin, by the last {@link #refresh()}. */
    boolean protects(Digest digest) {
        return pinned.contains(digest);
    }

    /** The bytes of what is stored under pins, each piece once, by the last {@link #refresh()}. */
    long bytes() {
        return bytes;
    }

    /** The part of {@link #bytes()} that is in large blobs. */
    long largeBytes() {
        return largeBytes;
    }

    /** Notes that content has come: it may be what a pin lacked. */
    void stored(Digest digest) {
        changed.addAll(awaited.getOrDefault(digest, Set.of()));
    }

    /** Notes that a tag of a repository names another manifest, or that other referrers are known. */
    void changed(Repository repository) {
        changed.add(repository);
    }

    /**
     * Works out what has changed since the last call.
     *
     * @return what is not pinned any more
     * @throws IOException if the index cannot be read; everything stays as it was
     */
    synchronized Set<Digest> refresh() throws IOException {
        if (!unknown && changed.isEmpty()) {
            return Set.of();
        }
        boolean all = unknown;
        unknown = false;
        Set<Repository> since = Set.copyOf(changed);
        changed.removeAll(since);
        try {
            List<Pin> pins = index.pins();
            boolean same = !all && pins.stream().noneMatch(pin -> since.contains(pin.repository()));
            long failedReads = index.failedReads();
            Set<Digest> released = same ? Set.of() : refresh(pins, all, since);
            unknown |= index.failedReads() != failedReads;
            return released;
        } catch (IOException e) {
            unknown = true;
            throw e;
        }
    }

    private Set<Digest> refresh(List<Pin> pins, boolean all, Set<Repository> since) {
        graphs.keySet().retainAll(Set.copyOf(pins));
        Set<Digest> next = new HashSet<>();
        Map<Digest, Set<Repository>> lacking = new HashMap<>();
        for (Pin pin : pins) {
            PinnedGraph graph = graphs.get(pin);
            if (graph == null || all || graph.unsure() || since.contains(pin.repository())) {
                PinnedGraph now = graph(pin);
                graph = graph == null ? now : now.with(graph);
                graphs.put(pin, graph);
            }
            next.addAll(graph.digests());
            graph.missing()
                    .forEach(content -> lacking.computeIfAbsent(content.digest(), digest -> new HashSet<>())
                            .add(pin.repository()));
        }
        Set<Digest> released = new HashSet<>(pinned);
        released.removeAll(next);
        count(next);
        awaited = lacking;
        pinned = next;
        LOG.debug("{} pins protect {} digests, {} of which are missing", pins.size(), next.size(), lacking.size());
        return released;
    }

    private void count(Set<Digest> digests) {
        long sum = 0;
        long large = 0;
        for (Digest digest : digests) {
            IndexedContent content = index.content(digest).orElse(null);
            if (content != null) {
                sum += content.bytes();
                large += DiskPolicy.isSmall(content.kind(), content.bytes()) ? 0 : content.bytes();
            }
        }
        bytes = sum;
        largeBytes = large;
    }
}
