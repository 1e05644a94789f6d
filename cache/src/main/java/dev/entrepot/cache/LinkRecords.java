package dev.entrepot.cache;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.Repository;
import java.io.IOException;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;

/**
 * What a {@link CacheIndex} knows of which repository has which content, and whether that is proven. Safe for all
 * threads.
 */
public final class LinkRecords {
    private final WriteBehind<IndexTables.LinkKey, Link> links;
    private final StoredContents contents;
    private final IndexReaders readers;
    private final IndexWriter writer;

    /**
     * The links of a database.
     *
     * @param contents knows which repository content was fetched for
     * @param writer commits what was put before a question to the database
     */
    LinkRecords(
            WriteBehind<IndexTables.LinkKey, Link> links,
            StoredContents contents,
            IndexReaders readers,
            IndexWriter writer) {
        this.links = links;
        this.contents = contents;
        this.readers = readers;
        this.writer = writer;
    }

    /** What is known of a repository having a piece of content; empty if nothing is. */
    public Optional<Link> get(Repository repository, Digest digest) {
        return links.get(new IndexTables.LinkKey(repository, digest));
    }

    /**
     * Whether it is proven that a repository has what is kept: its upstream has said so, or one of its manifests names
     * it and it came from that upstream. Of what came from another, or nobody knows where from, a manifest proves
     * nothing: who writes it may know the digest and no more.
     */
    boolean isProven(Repository repository, Digest digest) {
        return isProven(repository, get(repository, digest));
    }

    private boolean isProven(Repository repository, Optional<Link> link) {
        return link.isPresent()
                && (link.get().proven()
                        || contents.get(link.get().digest())
                                .flatMap(IndexedContent::owner)
                                .filter(owner -> owner.registry().equals(repository.registry()))
                                .isPresent());
    }

    /**
     * As {@link #isProven}, for one who goes by it: what is proven by where the content came from stays so, also when
     * it is fetched anew for another upstream one day. Written once, then the link says it; never waits for that.
     */
    boolean isProvenForGood(Repository repository, Digest digest) {
        Optional<Link> link = get(repository, digest);
        boolean proven = isProven(repository, link);
        if (proven && link.isPresent() && !link.get().proven()) {
            links.update(
                    new IndexTables.LinkKey(repository, digest),
                    before -> Optional.of(before.orElse(link.get()).asProven()));
        }
        return proven;
    }

    /** Notes that a repository has these, besides what is known of them: {@link Link#with}. */
    public void add(Repository repository, Collection<Link> added) {
        for (Link link : added) {
            links.merge(
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
        Optional<Repository> owner = contents.get(digest).flatMap(IndexedContent::owner);
        if (owner.isPresent()) {
            return owner;
        }
        writer.flush();
        return readers.ask(reader -> reader.anyWith(digest));
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
        for (IndexTables.LinkKey key : links.pending().keySet()) {
            if (after.isEmpty() || key.repository().compareTo(after.get()) > 0) {
                found.add(key.repository());
            }
        }
        found.addAll(readers.ask(reader -> reader.repositories(after, n)));
        return found.stream().limit(n).toList();
    }

    /**
     * The repositories of one registry that are known to have anything, in order.
     *
     * @param n the most that are returned, at least 1
     * @throws IOException if the database cannot be read
     */
    public List<Repository> repositories(RegistryHost registry, int n) throws IOException {
        TreeSet<Repository> found = new TreeSet<>();
        links.pending().keySet().forEach(key -> found.add(key.repository()));
        found.addAll(readers.ask(reader -> reader.repositories(registry, n)));
        return found.stream()
                .filter(repository -> repository.registry().equals(registry))
                .limit(n)
                .toList();
    }
}
