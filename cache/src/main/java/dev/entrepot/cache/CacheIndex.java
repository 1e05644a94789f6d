package dev.entrepot.cache;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.Tag;
import java.io.IOException;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the cache remembers besides the bytes: which repository has which content, what tags were when, answers that are
 * kept for a while, and what lies on the disk since when. It survives restarts and crashes; of what was put in the last
 * moments before a crash some may be missing, never what came before it. All it holds can be asked of the upstreams
 * again or read from the file tree, so a damaged index costs requests, not content.
 *
 * <p>Safe for all threads. Questions about one thing are answered from memory when it was asked for lately, and never
 * wait for a commit. A database that fails makes the cache forgetful, not unable: such questions come back empty. Lists
 * say so with an {@link IOException}.
 *
 * <p>It is long because links, tags, documents, pins and content share one writer and one order of changes; the work is
 * in what it is made of.
 */
public final class CacheIndex implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(CacheIndex.class);
    private static final Duration DOCUMENT_LIFE = Duration.ofDays(30);

    private final Clock clock;
    private final IndexDatabase database;
    private final IndexReaders readers;
    private final IndexWriter writer;
    private final IndexTables tables;
    private final StoredContents contents;
    private final PinListing pinListing;
    private final boolean rebuilt;
    private volatile boolean compared;

    private CacheIndex(
            IndexDatabase database, PinList pinList, boolean rebuilt, IndexReader.Totals totals, Clock clock) {
        this.clock = clock;
        this.database = database;
        this.pinListing = new PinListing(pinList, this, clock);
        this.rebuilt = rebuilt;
        this.readers = database.readers();
        Touches touches = new Touches();
        this.writer = new IndexWriter(database.updates(), touches, clock);
        this.tables = new IndexTables(readers, writer);
        this.contents = new StoredContents(tables.contents, readers, touches, totals, clock);
        writer.start(tables.contents::isPending);
    }

    /**
     * Opens the index of a store. After a crash, or if it is not the one that was last used there, it is compared with
     * the files first; a damaged one is replaced and filled from them.
     *
     * @param store the store, which stays open for as long as the index
     * @param clock the time of last uses
     * @throws IOException if a newer program wrote the index, or the disk refuses
     */
    public static CacheIndex open(ContentStore store, Clock clock) throws IOException {
        return open(store, clock, true);
    }

    /**
     * As above, but after a crash without comparing, which takes a second for each 100 000 files: until
     * {@link IndexComparison#run} has done it, the count lacks what was stored in the last moments before the crash. A
     * damaged index is still filled first.
     */
    public static CacheIndex openAtOnce(ContentStore store, Clock clock) throws IOException {
        return open(store, clock, false);
    }

    private static CacheIndex open(ContentStore store, Clock clock, boolean compare) throws IOException {
        boolean all = compare;
        boolean rebuilt = false;
        boolean empty = false;
        while (true) {
            IndexDatabase database = IndexDatabase.open(store.layout(), clock, store.openings());
            rebuilt |= database.rebuilt();
            empty |= database.empty();
            try {
                return open(store, clock, all || rebuilt, database.orBefore(rebuilt, empty));
            } catch (IOException e) {
                if (!isForWantOfSpace(e) || !LastSpace.free(store.layout())) {
                    throw e;
                }
                // It may have been compared in part.
                all = true;
                LOG.warn("the index is opened once more, because there was no space: {}", e.getMessage());
            }
        }
    }

    private static boolean isForWantOfSpace(IOException e) {
        return e.getCause() instanceof SQLException cause && IndexDatabase.isPassing(cause);
    }

    private static CacheIndex open(ContentStore store, Clock clock, boolean compare, IndexDatabase database)
            throws IOException {
        try {
            boolean agrees = database.clean();
            boolean lost = false;
            boolean anew = database.empty() || database.rebuilt();
            if (!agrees
                    && (compare
                            || anew
                            || database.readers().ask(IndexReader::totals).count() == 0)) {
                IndexReconciliation.run(store, database.readers(), database.updates());
                agrees = true;
                lost = database.empty() && isLost(store, database);
            }
            if (anew) {
                database.updates().saveNumber(IndexDatabase.MADE_ANEW, 0);
            }
            database.updates().deleteDocumentsBefore(clock.instant().minus(DOCUMENT_LIFE));
            // The last space may have been freed.
            store.recount();
            CacheIndex index = new CacheIndex(
                    database,
                    new PinList(store.layout()),
                    database.rebuilt() || lost,
                    database.readers().ask(IndexReader::totals),
                    clock);
            index.pinListing().catchUp();
            if (agrees) {
                index.agrees();
            }
            return index;
        } catch (SQLException e) {
            database.close();
            throw new IOException(
                    "the index cannot be made ready: " + e.getMessage() + IndexDatabase.remedy(e, store.layout()), e);
        } catch (IOException e) {
            database.close();
            throw e;
        }
    }

    // An empty index is that of a new store, or there was another before it.
    private static boolean isLost(ContentStore store, IndexDatabase database) throws IOException {
        long files = database.readers().ask(IndexReader::totals).count();
        int pins = database.readers().ask(IndexReader::pins).size();
        if (files == 0 && pins == 0) {
            return false;
        }
        LOG.error(
                "the index {} is lost; it is made again from the files of the store, {} now, but which repositories have which"
                        + " content, and what tags name, must be asked again. {} pins were read in {} and stay; others are lost:"
                        + " compare them with those you had (entrepot cache pin), and pin again what is missing",
                store.layout().index(),
                files,
                pins,
                store.layout().pins());
        return true;
    }

    /** Begins to load what an index needs, on a thread of its own. For a process that is going to open one. */
    public static void prepare() {
        IndexDatabase.prepare();
    }

    /** Whether it has been compared with the files since it was last left without being closed. */
    public boolean isCompared() {
        return compared;
    }

    /** Notes that it agrees with the files. */
    void agrees() {
        compared = true;
        writer.agrees();
    }

    /**
     * Makes the index of a store anew from its files and from what can be read of the old one, which is put aside once
     * the new one is whole. Of one that is lost, what repositories have and what tags name is asked of the upstreams
     * again; of one that is damaged, unless something of the repository is pinned.
     *
     * @throws IOException if a newer program wrote the old one, or the disk refuses
     */
    public static CacheIndex rebuild(ContentStore store, Clock clock) throws IOException {
        // Moves an old format forward. What was damaged is made anew by that.
        CacheIndex present = open(store, clock);
        if (present.wasRebuilt()) {
            return present;
        }
        present.close();
        IndexReplacement replacement = new IndexReplacement(store.layout(), clock);
        try {
            replacement.make(empty -> {
                if (IndexDatabase.isWhole(store.layout().index())) {
                    IndexCopy.run(store.layout().index(), empty);
                } else {
                    LOG.warn(
                            "the index is damaged: pins, and what is under them, are taken over as far as they can be read");
                    IndexSalvage.run(store.layout(), empty);
                }
                return true;
            });
        } catch (SQLException e) {
            throw new IOException("no new index can be made: " + e.getMessage(), e);
        }
        LOG.info("the index is made anew; the old one is {}", replacement.swap());
        return open(store, clock);
    }

    /**
     * Whether the index was damaged or lost and has been made again at this start: tags and links are gone, of what is
     * pinned too if it was lost, and perhaps pins; content is not.
     */
    public boolean wasRebuilt() {
        return rebuilt;
    }

    /** Whether the disk refuses what is to be written. For health and metrics. */
    public boolean isFailing() {
        return writer.isFailing();
    }

    /**
     * Whether so much of what lies on the disk waits to be noted that nothing more should be stored: the disk has been
     * slow or has refused for long. The bound is some 30 000 pieces.
     */
    boolean isFull() {
        return writer.isFull();
    }

    /** The number of changes that could not be kept, since the start. */
    public long lostChanges() {
        return writer.lostChanges();
    }

    /** The number of questions since the start that came back empty because the database failed. */
    long failedReads() {
        return writer.failedReads();
    }

    /** What is known of a repository having a piece of content; empty if nothing is. */
    public Optional<Link> link(Repository repository, Digest digest) {
        return tables.links.get(new IndexTables.LinkKey(repository, digest));
    }

    /**
     * Whether it is proven that a repository has what is kept: its upstream has said so, or one of its manifests names
     * it and it came from that upstream. Of what came from another, or nobody knows where from, a manifest proves
     * nothing: who writes it may know the digest and no more.
     */
    boolean isProven(Repository repository, Digest digest) {
        return isProven(repository, link(repository, digest));
    }

    private boolean isProven(Repository repository, Optional<Link> link) {
        return link.isPresent()
                && (link.get().proven()
                        || content(link.get().digest())
                                .flatMap(IndexedContent::owner)
                                .filter(owner -> owner.registry().equals(repository.registry()))
                                .isPresent());
    }

    /**
     * As {@link #isProven}, for one who goes by it: what is proven by where the content came from stays so, also when
     * it is fetched anew for another upstream one day. Written once, then the link says it; never waits for that.
     */
    boolean isProvenForGood(Repository repository, Digest digest) {
        Optional<Link> link = link(repository, digest);
        boolean proven = isProven(repository, link);
        if (proven && link.isPresent() && !link.get().proven()) {
            tables.links.update(
                    new IndexTables.LinkKey(repository, digest),
                    before -> Optional.of(before.orElse(link.get()).asProven()));
        }
        return proven;
    }

    /** Notes that a repository has these, besides what is known of them: {@link Link#with}. */
    public void addLinks(Repository repository, Collection<Link> added) {
        for (Link link : added) {
            tables.links.merge(
                    new IndexTables.LinkKey(repository, link.digest()),
                    known -> Optional.of(known.map(link::with).orElse(link)));
        }
    }

    /**
     * A repository that is known to have a piece of content: the one that it was fetched for, else any. For what is
     * asked seldom.
     *
     * @throws IOException if the database cannot be read
     */
    Optional<Repository> anyWith(Digest digest) throws IOException {
        Optional<Repository> owner = content(digest).flatMap(IndexedContent::owner);
        return owner.isPresent() ? owner : ask(reader -> reader.anyWith(digest));
    }

    /** What a tag was found to be. */
    public Optional<TagRecord> tag(Repository repository, Tag tag) {
        return tables.tags.get(new IndexTables.TagKey(repository, tag));
    }

    /** What a tag named before it named what it does now. */
    TagHistory tagHistory(Repository repository, Tag tag) {
        return tables.tagHistories.get(new IndexTables.TagKey(repository, tag)).orElse(TagHistory.NONE);
    }

    /** Notes what a tag named before. */
    void putTagHistory(Repository repository, Tag tag, TagHistory history) {
        tables.tagHistories.put(new IndexTables.TagKey(repository, tag), Optional.of(history));
    }

    /** Forgets the tag list of a repository. */
    public void removeTagList(Repository repository) {
        tables.documents.put(new IndexTables.DocumentKey(repository, Optional.empty()), Optional.empty());
    }

    /** Forgets the referrers of a digest. */
    public void removeReferrers(Repository repository, Digest subject) {
        tables.documents.put(new IndexTables.DocumentKey(repository, Optional.of(subject)), Optional.empty());
    }

    /** Notes what a tag was found to be. */
    public void putTag(Repository repository, Tag tag, TagRecord found) {
        boolean moved = tag(repository, tag)
                .filter(before -> before.digest().equals(found.digest()))
                .isEmpty();
        tables.tags.put(new IndexTables.TagKey(repository, tag), Optional.of(found));
        if (moved) {
            contents.watcher().changed(repository, tag);
        }
    }

    /** Forgets a tag. */
    public void removeTag(Repository repository, Tag tag) {
        tables.tags.put(new IndexTables.TagKey(repository, tag), Optional.empty());
    }

    /**
     * The tags of a repository that are known here, in order; the upstream may have others.
     *
     * @throws IOException if the database cannot be read
     */
    public List<Tag> tags(Repository repository) throws IOException {
        Map<IndexTables.TagKey, Optional<TagRecord>> pending = tables.tags.pending();
        List<Tag> committed = readers.ask(reader -> reader.tags(repository));
        TreeSet<Tag> found = new TreeSet<>(committed);
        pending.forEach((key, value) -> {
            if (key.repository().equals(repository)) {
                if (value.isPresent()) {
                    found.add(key.tag());
                } else {
                    found.remove(key.tag());
                }
            }
        });
        return List.copyOf(found);
    }

    /** The referrers list that is kept for a subject. */
    public Optional<KeptDocument> referrers(Repository repository, Digest subject) {
        return tables.documents.get(new IndexTables.DocumentKey(repository, Optional.of(subject)));
    }

    /** Keeps a referrers list. It is forgotten after 30 days at the latest. */
    public void putReferrers(Repository repository, Digest subject, KeptDocument document) {
        AtomicReference<@Nullable KeptDocument> replaced = new AtomicReference<>();
        tables.documents.merge(new IndexTables.DocumentKey(repository, Optional.of(subject)), known -> {
            replaced.set(known.orElse(null));
            return Optional.of(document);
        });
        // The same list comes again and again: lists are fresh for a minute, and clients ask after each.
        KeptDocument before = replaced.get();
        if (before == null || !ListCache.nameTheSame(before, document)) {
            contents.watcher().changed(repository, subject);
        }
    }

    /** Adds a pin, or changes what it covers. See {@link PinnedGraphs}. */
    void putPin(Pin pin) {
        tables.pins.put(new IndexTables.PinKey(pin.repository(), pin.reference()), Optional.of(pin));
    }

    /** The pin of just this reference. */
    Optional<Pin> pin(Repository repository, ManifestReference reference) {
        return tables.pins.get(new IndexTables.PinKey(repository, reference));
    }

    /** Takes a pin away; returns whether there was one. */
    boolean removePin(Repository repository, ManifestReference reference) {
        IndexTables.PinKey key = new IndexTables.PinKey(repository, reference);
        boolean known = tables.pins.get(key).isPresent();
        tables.pins.put(key, Optional.empty());
        return known;
    }

    /**
     * All pins, in order.
     *
     * @throws IOException if the database cannot be read
     */
    List<Pin> pins() throws IOException {
        Map<IndexTables.PinKey, Optional<Pin>> pending = tables.pins.pending();
        TreeMap<String, Pin> found = new TreeMap<>();
        readers.ask(IndexReader::pins).forEach(pin -> found.put(pin.toString(), pin));
        pending.forEach((key, value) -> {
            String name = Pin.all(key.repository(), key.reference()).toString();
            value.ifPresentOrElse(pin -> found.put(name, pin), () -> found.remove(name));
        });
        return List.copyOf(found.values());
    }

    /** The list of all pins beside the index, which whoever changes one tells. */
    PinListing pinListing() {
        return pinListing;
    }

    /** Asks the database, after everything that was put before is committed. */
    <T> T ask(IndexReaders.Question<T> question) throws IOException {
        flush();
        return readers.ask(question);
    }

    /** The number that is kept under a name, once it is committed. */
    OptionalLong number(String name) throws IOException {
        return readers.ask(reader -> reader.number(name));
    }

    /** Keeps a number under a name. */
    void putNumber(String name, long value) {
        writer.enqueue(new Number(name, value));
    }

    private record Number(String name, long value) implements IndexChange {
        @Override
        public int admittedBytes() {
            return 0;
        }

        @Override
        public void save(IndexUpdates updates) throws SQLException {
            updates.saveNumber(name, value);
        }

        @Override
        public void settled() {}
    }

    /** Has the lists forgotten that are older than they are kept, behind what was put before. */
    void forgetOldLists() {
        writer.enqueue(new OldLists(clock.instant().minus(DOCUMENT_LIFE)));
    }

    private record OldLists(Instant before) implements IndexChange {
        @Override
        public int admittedBytes() {
            return 0;
        }

        @Override
        public void save(IndexUpdates updates) throws SQLException {
            updates.deleteDocumentsBefore(before);
        }

        @Override
        public void settled() {}
    }

    /** The tag list that is kept for a repository. */
    public Optional<KeptDocument> tagList(Repository repository) {
        return tables.documents.get(new IndexTables.DocumentKey(repository, Optional.empty()));
    }

    /** Keeps a tag list. It is forgotten after 30 days at the latest. */
    public void putTagList(Repository repository, KeptDocument document) {
        tables.documents.put(new IndexTables.DocumentKey(repository, Optional.empty()), Optional.of(document));
    }

    /**
     * The repositories that are known to have anything, in order.
     *
     * @param after only those behind this one
     * @param n the most that are returned, at least 1
     * @throws IOException if the database cannot be read
     */
    public List<Repository> repositories(Optional<Repository> after, int n) throws IOException {
        TreeSet<Repository> found = new TreeSet<>();
        for (IndexTables.LinkKey key : tables.links.pending().keySet()) {
            if (after.isEmpty() || key.repository().compareTo(after.get()) > 0) {
                found.add(key.repository());
            }
        }
        found.addAll(readers.ask(reader -> reader.repositories(after, n)));
        return found.stream().limit(n).toList();
    }

    /**
     * Registers content that has been published in the store, as used now. Harmless when repeated.
     *
     * @param mediaType for a manifest, its type as the upstream stated it
     */
    public void stored(Digest digest, ContentKind kind, long bytes, Optional<MediaType> mediaType) {
        stored(digest, kind, bytes, mediaType, Optional.empty());
    }

    /**
     * As above.
     *
     * @param owner the repository that it was fetched for, whose part of the disk it takes; if not known, it stays as
     *     it was
     */
    public void stored(
            Digest digest, ContentKind kind, long bytes, Optional<MediaType> mediaType, Optional<Repository> owner) {
        contents.stored(digest, kind, bytes, mediaType, owner);
    }

    /** Has one other hear of what comes, is used and goes from now on. */
    void watch(ContentWatcher newWatcher) {
        contents.watch(newWatcher);
    }

    /** What is known of content that is registered. */
    Optional<IndexedContent> content(Digest digest) {
        return contents.content(digest);
    }

    /** Content that is registered, with its last use. */
    Optional<Candidate> candidate(Digest digest) {
        return contents.candidate(digest);
    }

    /** Whether content is registered. */
    public boolean isStored(Digest digest) {
        return contents.isStored(digest);
    }

    /** The type of a stored manifest; empty if it is not known, as after the index was damaged. */
    public Optional<MediaType> manifestType(Digest digest) {
        return contents.manifestType(digest);
    }

    /**
     * Notes that content was served for a repository. Cheap: no lock, no database, at most one note per digest in 30 s.
     */
    public void touched(Digest digest, Repository by) {
        contents.touched(digest, by);
    }

    /** Forgets content that has been deleted from the store. Harmless when repeated. */
    public void removed(Digest digest) {
        contents.removed(digest);
    }

    /** The bytes of all stored content. */
    public long storedBytes() {
        return contents.storedBytes();
    }

    /** The part of {@link #storedBytes()} that is manifests and blobs of less than 64 KiB. */
    public long smallBytes() {
        return contents.smallBytes();
    }

    /** Visits all content, the longest unused first, except that what waits to be committed comes last. */
    void forEachByUse(IndexReader.ContentVisitor visitor) throws IOException {
        contents.forEachByUse(visitor);
    }

    /** The number of stored blobs and manifests. */
    public long storedCount() {
        return contents.storedCount();
    }

    /**
     * The content that was not used for the longest time, longest first.
     *
     * @param n the most that are returned, at least 1
     * @throws IOException if the database cannot be read
     */
    List<Candidate> leastRecentlyUsed(int n) throws IOException {
        return contents.leastRecentlyUsed(n);
    }

    /**
     * Waits until all that was put before is committed.
     *
     * @throws IOException if the disk refuses, or it takes more than a minute
     */
    public void flush() throws IOException {
        writer.flush();
    }

    /**
     * As {@link #flush()}, for one who must know of its own changes, whoever else has asked meanwhile.
     *
     * @param lostBefore what {@link #lostChanges()} was before them
     */
    void flush(long lostBefore) throws IOException {
        writer.flush(lostBefore);
    }

    /** Writes what is left and closes the database, waiting half a minute at most. */
    @Override
    public void close() throws IOException {
        pinListing.catchUp();
        try {
            writer.close();
        } catch (SQLException e) {
            LOG.warn("the index is not closed in good order: {}", e.getMessage());
        }
        database.close();
    }
}
