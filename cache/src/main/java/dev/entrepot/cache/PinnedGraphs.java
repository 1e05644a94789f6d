package dev.entrepot.cache;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.Tag;
import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The pins, and what may not be evicted because of them. Pins are rows of the index; what is under them is worked out
 * from the manifests that are kept, in memory, when somebody wants to evict and something has changed. Safe for all
 * threads.
 *
 * <p>Only the pins that a change can matter to are walked again: those that hold what it is about. A change is noted
 * after it can be read, and taken note of before a walk, so that a walk either sees it or is followed by another.
 */
public final class PinnedGraphs {
    private static final Logger LOG = LoggerFactory.getLogger(PinnedGraphs.class);
    /** More that has changed is not told apart: all is worked out anew then. */
    static final int MOST_CHANGES = 50_000;
    // Content that came while its pin was walked is seen by a second walk.
    private static final int ROUNDS = 2;
    private static final int AGAIN_AT_ONCE = 16;
    private static final Duration BETWEEN_AGAIN = Duration.ofSeconds(10);

    private final ContentStore store;
    private final CacheIndex index;
    private final Map<IndexTables.PinKey, WalkedPin> walked = new HashMap<>();
    private final PinsByDigest held = new PinsByDigest();
    private final PinsByDigest beside = new PinsByDigest();
    private final PinnedBytes bytes;
    // Pins in which something may change that nobody notes: a manifest can be read again, a tag is old enough.
    private final Set<IndexTables.PinKey> again = new LinkedHashSet<>();
    private final Set<Digest> released = new HashSet<>();
    // How many pins a repository has: of others no changes are noted.
    private final Map<Repository, Integer> repositories = new ConcurrentHashMap<>();
    // What has changed since the last refresh: rows of pins, tags and referrers, content.
    private final Set<IndexTables.PinKey> rows = ConcurrentHashMap.newKeySet();
    private final Set<IndexTables.PinKey> changed = ConcurrentHashMap.newKeySet();
    private final Set<Digest> moved = ConcurrentHashMap.newKeySet();
    private final AtomicBoolean unknown = new AtomicBoolean(true);
    // Without one, those are walked with the next change.
    private volatile Optional<Clock> time = Optional.empty();
    private Instant lastAgain = Instant.EPOCH;
    private volatile PinWalk.Served served = (repository, tag, digest) -> false;

    /** The pins of an index. */
    PinnedGraphs(ContentStore store, CacheIndex index) {
        this.store = store;
        this.index = index;
        this.bytes = new PinnedBytes(index.contents());
    }

    /** Has what rules hold back protected no less than what is served in its place. */
    void heed(CacheRules rules, Clock clock) {
        Instant start = clock.instant();
        time = Optional.of(clock);
        served = (repository, tag, digest) -> Cooldown.of(tag, rules.of(repository, tag))
                .filter(minAge -> !minAge.exceptDigests().contains(digest.digest()))
                .map(minAge -> isTooYoung(digest, minAge, Moment.of(clock, start)))
                .orElse(false);
    }

    /** Notes that rules say something else of what may be served. */
    public void rulesChanged() {
        unknown.set(true);
    }

    private static boolean isTooYoung(TagHistory.Former digest, MinAge minAge, Moment moment) {
        return moment.from(digest.firstSeenAt()).plus(minAge.time()).isAfter(moment.now());
    }

    /**
     * Pins, or changes what a pin covers. When this returns, the pin outlives the process.
     *
     * @throws IOException if the disk refuses, or there are more pins than the list of them takes
     */
    public void pin(Pin pin) throws IOException {
        index.pinListing().requireRoom(pin);
        long lostBefore = index.lostChanges();
        index.pins().put(pin);
        rows.add(new IndexTables.PinKey(pin.repository(), pin.reference()));
        try {
            index.flush(lostBefore);
        } finally {
            // What was not written in time may be written later.
            index.pinListing().changed(pin.ruled());
        }
    }

    /**
     * Takes a pin away; what was under it may be evicted from now on.
     *
     * @return whether there was one
     * @throws IOException if the disk refuses
     */
    public boolean unpin(Repository repository, ManifestReference reference) throws IOException {
        long lostBefore = index.lostChanges();
        boolean ruled =
                index.pins().get(repository, reference).filter(Pin::ruled).isPresent();
        boolean known = index.pins().remove(repository, reference);
        rows.add(new IndexTables.PinKey(repository, reference));
        try {
            index.flush(lostBefore);
        } finally {
            index.pinListing().changed(ruled);
        }
        return known;
    }

    /**
     * All pins, in order.
     *
     * @throws IOException if the index cannot be read
     */
    public List<Pin> pins() throws IOException {
        return index.pins().all();
    }

    /**
     * The pin of just this reference.
     *
     * @throws IOException if the index cannot be read
     */
    public Optional<Pin> pin(Repository repository, ManifestReference reference) throws IOException {
        long failedReads = index.failedReads();
        Optional<Pin> pin = index.pins().get(repository, reference);
        if (pin.isEmpty() && index.failedReads() != failedReads) {
            throw new IOException("the index cannot be read, so that nobody knows whether "
                    + Pin.all(repository, reference) + " is pinned");
        }
        return pin;
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
    public synchronized boolean isPinned(Digest digest) throws IOException {
        refresh();
        return held.contains(digest);
    }

    /**
     * Whether pins of a repository decide about a manifest already: it is under one, an index under one lists it,
     * wanted or not, or the tag of one has named it.
     *
     * @throws IOException if the index cannot be read
     */
    public synchronized boolean covers(Repository repository, Digest digest) throws IOException {
        refresh();
        return Stream.of(held, beside)
                .flatMap(pins -> pins.of(digest).stream())
                .anyMatch(pin -> pin.repository().equals(repository));
    }

    /** Whether a digest is under a pin, by the last {@link #refresh()}. */
    boolean protects(Digest digest) {
        return held.contains(digest);
    }

    /** The bytes of what is stored under pins, each piece once, by the last {@link #refresh()}. */
    long bytes() {
        return bytes.all();
    }

    /** The part of {@link #bytes()} that is in large blobs. */
    long largeBytes() {
        return bytes.large();
    }

    /** Notes that content has come or gone: it may be what a pin lacked. */
    void moved(Digest digest) {
        if (held.contains(digest)) {
            moved.add(digest);
        }
    }

    /** Notes that a tag of a repository names another manifest, or that other referrers of a digest are known. */
    void changed(Repository repository, ManifestReference what) {
        if (unknown.get() || !repositories.containsKey(repository)) {
            return;
        }
        if (changed.size() < MOST_CHANGES) {
            changed.add(new IndexTables.PinKey(repository, what));
        } else {
            unknown.set(true);
        }
    }

    /**
     * Works out what has changed since the last call; every ten seconds at most also some of the pins in which
     * something may change by itself.
     *
     * @throws IOException if the index cannot be read; everything stays protected as it was
     */
    synchronized void refresh() throws IOException {
        boolean readable = true;
        for (int round = 0; round < ROUNDS && readable && isStale(); round++) {
            long failedReads = index.failedReads();
            List<WalkedPin> former = new ArrayList<>();
            boolean done = false;
            try {
                Map<IndexTables.PinKey, Pin> due = due(former);
                due.forEach((key, pin) -> walk(key, pin).ifPresent(former::add));
                LOG.debug("{} of {} pins were walked", due.size(), walked.size());
                done = true;
            } finally {
                former.forEach(this::release);
                readable = index.failedReads() == failedReads;
                if (!done || !readable) {
                    unknown.set(true);
                }
            }
        }
    }

    /** What is not pinned any more, since this was asked last. */
    synchronized Set<Digest> released() {
        Set<Digest> since = Set.copyOf(released);
        released.clear();
        return since;
    }

    private boolean isStale() {
        return unknown.get() || !rows.isEmpty() || !changed.isEmpty() || !moved.isEmpty() || isAgainDue();
    }

    // Each walk reads files, and this is asked before each victim.
    private boolean isAgainDue() {
        return !again.isEmpty()
                && time.filter(clock -> lastAgain.plus(BETWEEN_AGAIN).isBefore(clock.instant()))
                        .isPresent();
    }

    private static <T> Set<T> taken(Set<T> noted) {
        Set<T> since = Set.copyOf(noted);
        noted.removeAll(since);
        return since;
    }

    // What has to be walked; what is no pin any more goes to the former ones.
    private Map<IndexTables.PinKey, Pin> due(List<WalkedPin> former) throws IOException {
        time.ifPresent(clock -> lastAgain = clock.instant());
        return unknown.getAndSet(false) ? all(former) : dueByChanges(former);
    }

    private Map<IndexTables.PinKey, Pin> all(List<WalkedPin> former) throws IOException {
        List.of(rows, changed, moved).forEach(PinnedGraphs::taken);
        Map<IndexTables.PinKey, Pin> due = new LinkedHashMap<>();
        index.pins().all().forEach(pin -> due.put(new IndexTables.PinKey(pin.repository(), pin.reference()), pin));
        held.digests().forEach(bytes::count);
        List.copyOf(walked.keySet()).stream()
                .filter(key -> !due.containsKey(key))
                .forEach(key -> former.add(dropped(key)));
        return due;
    }

    private Map<IndexTables.PinKey, Pin> dueByChanges(List<WalkedPin> former) throws IOException {
        Map<IndexTables.PinKey, Pin> due = new LinkedHashMap<>();
        List<IndexTables.PinKey> gone = new ArrayList<>();
        for (IndexTables.PinKey key : taken(rows)) {
            pin(key.repository(), key.reference()).ifPresentOrElse(pin -> due.put(key, pin), () -> gone.add(key));
        }
        gone.stream().filter(walked::containsKey).forEach(key -> former.add(dropped(key)));
        Stream.of(
                        taken(changed).stream().flatMap(this::concernedBy),
                        taken(moved).stream().filter(held::contains).flatMap(this::concernedBy),
                        List.copyOf(again).stream().limit(AGAIN_AT_ONCE))
                .flatMap(keys -> keys)
                .filter(walked::containsKey)
                .forEach(key -> due.putIfAbsent(key, walkedPin(key).pin()));
        return due;
    }

    private WalkedPin walkedPin(IndexTables.PinKey key) {
        return Objects.requireNonNull(walked.get(key));
    }

    private Stream<IndexTables.PinKey> concernedBy(IndexTables.PinKey change) {
        return switch (change.reference()) {
            case Digest subject -> holders(change.repository(), subject);
            case Tag tag ->
                Stream.concat(
                        Stream.of(change), subjects(tag).flatMap(subject -> holders(change.repository(), subject)));
        };
    }

    private Stream<IndexTables.PinKey> holders(Repository repository, Digest digest) {
        return held.of(digest).stream().filter(key -> key.repository().equals(repository));
    }

    // A tag does not hold all of a long digest: such are looked for.
    private Stream<Digest> subjects(Tag tag) {
        Optional<Tag> name = PinWalk.ofSubject(tag);
        if (name.isEmpty()) {
            return Stream.empty();
        }
        String text = name.get().value();
        return text.startsWith("sha256-")
                ? Stream.of(Digest.parse(text.replace('-', ':')))
                : held.digests().filter(digest -> digest.referrersTag().equals(name.get()));
    }

    private Stream<IndexTables.PinKey> concernedBy(Digest moved) {
        bytes.count(moved);
        boolean stored = index.contents().isStored(moved);
        return held.of(moved).stream()
                .filter(walked::containsKey)
                .filter(key -> walkedPin(key).isConcernedBy(moved, stored));
    }

    private WalkedPin dropped(IndexTables.PinKey key) {
        again.remove(key);
        repositories.computeIfPresent(key.repository(), (same, pins) -> pins > 1 ? pins - 1 : null);
        return Objects.requireNonNull(walked.remove(key));
    }

    // Nothing is given up here: what one pin leaves, another may come to hold.
    private Optional<WalkedPin> walk(IndexTables.PinKey key, Pin pin) {
        Optional<WalkedPin> before = Optional.ofNullable(walked.get(key));
        if (before.isEmpty()) {
            // Before the walk: what changes from here on is noted.
            repositories.merge(key.repository(), 1, Integer::sum);
        }
        PinWalk.Found now = PinWalk.find(store, index, pin, served);
        PinWalk.Found found = before.filter(last -> last.pin().equals(pin))
                .map(last -> now.with(last.found()))
                .orElse(now);
        Set<Digest> missing =
                found.graph().missing().stream().map(Descriptor::digest).collect(Collectors.toSet());
        for (Digest digest : found.graph().digests()) {
            if (held.add(digest, key)) {
                released.remove(digest);
                // What went since the walk has read it was not noted either.
                if (!bytes.count(digest) && !missing.contains(digest)) {
                    moved.add(digest);
                }
            }
        }
        found.beside().forEach(digest -> beside.add(digest, key));
        // What came since the walk has read it was not noted, because nobody was known to wait for it.
        Set<Digest> come = missing.stream().filter(index.contents()::isStored).collect(Collectors.toSet());
        if (!come.equals(before.map(WalkedPin::unread).orElse(Set.of()))) {
            moved.addAll(come);
        }
        again.remove(key);
        if (found.waiting() || !come.isEmpty()) {
            again.add(key);
        }
        walked.put(key, new WalkedPin(key, found, come));
        return before;
    }

    private void release(WalkedPin former) {
        Optional<PinWalk.Found> now =
                Optional.ofNullable(walked.get(former.key())).map(WalkedPin::found);
        Set<Digest> kept = now.map(found -> found.graph().digests()).orElse(Set.of());
        former.found().graph().digests().stream()
                .filter(digest -> !kept.contains(digest) && held.remove(digest, former.key()))
                .forEach(digest -> {
                    bytes.forget(digest);
                    released.add(digest);
                });
        Set<Digest> still = now.map(PinWalk.Found::beside).orElse(Set.of());
        former.found().beside().stream()
                .filter(digest -> !still.contains(digest))
                .forEach(digest -> beside.remove(digest, former.key()));
    }
}
