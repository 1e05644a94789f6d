package dev.entrepot.replicator.layout;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.layout.NameTable.Name;
import dev.entrepot.replicator.layout.NameTable.Named;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.util.Map;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What runs have named in the index of a layout: tags, and manifests without one. Another program that knows nothing of
 * our lock may take it out again, or put another index in the place of the one that was to be written. Not safe for
 * several threads; its owner has a lock.
 */
final class NewNames {
    private static final Logger LOG = LoggerFactory.getLogger(NewNames.class);

    private final NameTable named = new NameTable();
    private final NameTable unwritten = new NameTable();
    private long count;
    private long writtenCount;

    /**
     * Sets a tag, or names a manifest that has none.
     *
     * @param run who names it, told from others by identity
     * @throws InvalidContentException if several entries of another tool may be that tag
     */
    void add(LayoutIndex index, Object run, RepositoryName repository, ManifestReference reference, Descriptor manifest)
            throws InvalidContentException {
        Name name = new Name(repository, reference);
        Named now = new Named(manifest, run);
        if (addTo(index, name, manifest)) {
            unwritten.put(name, now);
            count++;
        }
        named.put(name, now);
    }

    private static boolean addTo(LayoutIndex index, Name name, Descriptor manifest) throws InvalidContentException {
        return switch (name.reference()) {
            case Tag tag -> index.tag(name.repository(), tag, manifest);
            case Digest digest -> index.add(manifest);
        };
    }

    /** Takes note that a tag, or a manifest with its tags, is meant to be named no more in a repository. */
    void remove(RepositoryName repository, ManifestReference reference) {
        switch (reference) {
            case Tag tag -> {
                named.remove(new Name(repository, tag));
                unwritten.remove(new Name(repository, tag));
            }
            case Digest digest -> {
                named.remove(digest, name -> name.repository().equals(repository));
                unwritten.remove(digest, name -> name.repository().equals(repository));
            }
        }
    }

    /** Takes note that a manifest that has no tag is named no more, whichever repository named it. */
    void removeUntagged(Digest manifest) {
        named.remove(manifest, name -> name.reference().equals(manifest));
        unwritten.remove(manifest, name -> name.reference().equals(manifest));
    }

    /** Takes note of something else that is to be in the file: that a name is not. */
    void oneMore() {
        count++;
    }

    /** Forgets what a run has named, but for what is still to be written. */
    void forget(Object run) {
        named.removeAll(run);
    }

    /**
     * Names once more what is not in the file, in an index that was read again. A name that another program has made
     * ambiguous there is left to it: who asks the index for that one is refused, and all others go on.
     */
    void addTo(LayoutIndex index) {
        for (Map.Entry<Name, Named> entry : unwritten.all().entrySet()) {
            try {
                addTo(index, entry.getKey(), entry.getValue().manifest());
            } catch (InvalidContentException e) {
                LOG.debug("{} is not named: {}", text(entry.getKey()), e.getMessage());
            }
        }
    }

    /** How often something was named, or deleted. */
    long count() {
        return count;
    }

    /** How much of {@link #count()} is in the file. */
    long writtenCount() {
        return writtenCount;
    }

    /** Takes note that the file has all of it. */
    void areWritten() {
        unwritten.clear();
        writtenCount = count;
    }

    void clear() {
        named.clear();
        areWritten();
    }

    /**
     * Refuses to call complete what a run has named and another program has taken out of the index since: it read that
     * before, and wrote it afterwards. What other runs have named is for them.
     *
     * @param run the run
     * @param place where the index is, for the message
     */
    void requireIn(LayoutIndex index, Object run, String place) throws IOException {
        Set<Digest> there = index.manifests();
        for (Map.Entry<Name, Named> entry : named.all().entrySet()) {
            Named named = entry.getValue();
            if (named.run() == run && !isIn(index, there, entry.getKey(), named.manifest())) {
                throw new FileSystemException(
                        place,
                        null,
                        "another program has taken " + text(entry.getKey())
                                + " out of the index while the run went on; run again when nothing else writes to it");
            }
        }
    }

    private static boolean isIn(LayoutIndex index, Set<Digest> manifests, Name name, Descriptor manifest)
            throws InvalidContentException {
        return switch (name.reference()) {
            case Tag tag ->
                index.find(name.repository(), tag)
                        .filter(found -> found.digest().equals(manifest.digest()))
                        .isPresent();
            case Digest digest -> manifests.contains(digest);
        };
    }

    private static String text(Name name) {
        return name.repository() + (name.reference() instanceof Tag ? ":" : "@") + name.reference();
    }
}
