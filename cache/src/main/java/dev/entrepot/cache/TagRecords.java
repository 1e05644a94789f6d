package dev.entrepot.cache;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.Tag;
import java.io.IOException;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * What a {@link CacheIndex} knows of tags: what they were found to be, and what they named before. Safe for all
 * threads.
 */
public final class TagRecords {
    private final WriteBehind<IndexTables.TagKey, TagRecord> tags;
    private final WriteBehind<IndexTables.TagKey, TagHistory> histories;
    private final IndexReaders readers;
    private final StoredContents contents;
    // What a tag names and has named changes together; a tag always has the same one of these.
    private final Object[] changing = Stream.generate(Object::new).limit(64).toArray();

    /**
     * The tags of a database.
     *
     * @param contents has the one who hears of tags that move
     */
    TagRecords(
            WriteBehind<IndexTables.TagKey, TagRecord> tags,
            WriteBehind<IndexTables.TagKey, TagHistory> histories,
            IndexReaders readers,
            StoredContents contents) {
        this.tags = tags;
        this.histories = histories;
        this.readers = readers;
        this.contents = contents;
    }

    /** What a tag was found to be. */
    public Optional<TagRecord> get(Repository repository, Tag tag) {
        return tags.get(new IndexTables.TagKey(repository, tag));
    }

    /**
     * Notes what a tag was found to name now, and what it has left for that, whoever noted that meanwhile. What it has
     * left keeps the time at which it was first seen, for when the tag comes back to it. Of a crash in between comes
     * that what it names now counts among what it has named, too, until it moves again; never that anything is
     * forgotten.
     *
     * @param before what it was known to name; counts if the index cannot say
     */
    TagRecord found(Repository repository, Tag tag, Optional<TagRecord> before, Descriptor named, Instant now) {
        synchronized (changing(repository, tag)) {
            Optional<TagRecord> left = get(repository, tag).or(() -> before);
            Instant firstSeen;
            if (left.isPresent() && left.get().digest().equals(named.digest())) {
                firstSeen = left.get().firstSeenAt();
            } else {
                TagHistory history = history(repository, tag);
                left.ifPresent(former -> putHistory(repository, tag, history.with(former)));
                firstSeen = history.firstSeen(named.digest()).orElse(now);
            }
            TagRecord record = new TagRecord(named.digest(), now, firstSeen, Optional.of(named));
            put(repository, tag, record);
            return record;
        }
    }

    /** Forgets what a tag names, but not when that was first seen. */
    public void leave(Repository repository, Tag tag) {
        synchronized (changing(repository, tag)) {
            get(repository, tag).ifPresent(left -> {
                putHistory(repository, tag, history(repository, tag).with(left));
                remove(repository, tag);
            });
        }
    }

    private Object changing(Repository repository, Tag tag) {
        return changing[Math.floorMod(new IndexTables.TagKey(repository, tag).hashCode(), changing.length)];
    }

    /** Notes what a tag was found to be. */
    public void put(Repository repository, Tag tag, TagRecord found) {
        boolean moved = get(repository, tag)
                .filter(before -> before.digest().equals(found.digest()))
                .isEmpty();
        tags.put(new IndexTables.TagKey(repository, tag), Optional.of(found));
        if (moved) {
            contents.watcher().changed(repository, tag);
        }
    }

    /** Forgets a tag, and when what it names was first seen, if nobody has noted that. */
    void remove(Repository repository, Tag tag) {
        tags.remove(new IndexTables.TagKey(repository, tag));
    }

    /** What a tag named before it named what it does now. */
    TagHistory history(Repository repository, Tag tag) {
        return histories.get(new IndexTables.TagKey(repository, tag)).orElse(TagHistory.NONE);
    }

    /** Notes what a tag named before. */
    void putHistory(Repository repository, Tag tag, TagHistory history) {
        histories.put(new IndexTables.TagKey(repository, tag), Optional.of(history));
    }

    /**
     * The tags of a repository that are known here, in order; the upstream may have others.
     *
     * @throws IOException if the database cannot be read
     */
    public List<Tag> knownIn(Repository repository) throws IOException {
        Map<IndexTables.TagKey, Optional<TagRecord>> pending = tags.pending();
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
}
