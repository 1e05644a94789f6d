package dev.entrepot.replicator.layout;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.layout.IndexEntry.Name;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The {@code index.json} of a layout (image-spec image-layout.md): tags of one or several repositories, and the
 * manifests that have no tag, which is where a layout keeps referrers. Not safe for several threads; its owner has a
 * lock.
 *
 * <p>The name of an entry ({@code org.opencontainers.image.ref.name}) is the tag alone while all tags are of one
 * repository, and {@code repository:tag} when there are several. An annotation of our own says which repository it is
 * in both cases. What another tool wrote has no such annotation: a name with a repository, in that annotation or in
 * containerd's, is of that repository, one without is found in every repository. What another tool wrote stays as it
 * is, byte for byte, until its very tag is set or deleted.
 */
final class LayoutIndex {
    /** Longest index that is read. */
    static final long MAX_BYTES = 256L << 20;

    private static final String MANIFESTS = "manifests";

    private final String place;
    private final @Nullable ObjectNode document;
    private final Map<Name, IndexEntry> own = new TreeMap<>(Comparator.comparing(
                    (Name name) -> name.repository().map(RepositoryName::value).orElse(""))
            .thenComparing(name -> name.tag().value()));
    private final List<IndexEntry> foreign = new ArrayList<>();
    // Both of these: to delete something by its digest must not take the longer the more names there are.
    private final Map<Digest, Set<IndexEntry>> byManifest = new HashMap<>();
    private final Map<Digest, IndexEntry> untagged = new LinkedHashMap<>();

    private boolean changed;

    private LayoutIndex(String place, @Nullable ObjectNode document) {
        this.place = place;
        this.document = document;
    }

    /**
     * The index of a layout in which there is nothing.
     *
     * @param place where it is, for messages
     */
    static LayoutIndex empty(String place) {
        return new LayoutIndex(place, null);
    }

    /**
     * What an {@code index.json} names.
     *
     * @throws InvalidContentException if it is no image index, such as an empty file
     */
    static LayoutIndex parse(byte[] json, String place) throws InvalidContentException {
        try {
            // Without a list of manifests it may be half of what another program writes: never a layout without any.
            if (!(OciJson.mapper().readTree(json) instanceof ObjectNode root)
                    || !root.path(MANIFESTS).isArray() && !root.path(MANIFESTS).isNull()) {
                throw new InvalidContentException(place + " is no image index: it has no list of manifests");
            }
            LayoutIndex index = new LayoutIndex(place, root);
            for (JsonNode entry : root.path(MANIFESTS)) {
                index.take(IndexEntry.read(entry));
            }
            return index;
        } catch (JacksonException e) {
            throw new InvalidContentException(place + " is not readable JSON", e);
        }
    }

    private void take(IndexEntry entry) {
        if (!entry.called()) {
            untagged.putIfAbsent(entry.digest(), entry);
        } else if (entry.isForeign()) {
            foreign.add(entry);
            note(entry);
        } else {
            Optional.ofNullable(own.put(entry.name().orElseThrow(), entry)).ifPresent(this::forget);
            note(entry);
        }
    }

    private void note(IndexEntry entry) {
        byManifest
                .computeIfAbsent(entry.digest(), digest -> new LinkedHashSet<>())
                .add(entry);
    }

    private void forget(IndexEntry entry) {
        byManifest.computeIfPresent(entry.digest(), (digest, entries) -> {
            entries.remove(entry);
            return entries.isEmpty() ? null : entries;
        });
    }

    /**
     * What a tag names in a repository, also if another tool did not say of which repository it is.
     *
     * @throws InvalidContentException if there are several such tags, for different manifests
     */
    Optional<Descriptor> find(RepositoryName repository, Tag tag) throws InvalidContentException {
        return entry(repository, tag).map(IndexEntry::manifest);
    }

    private Optional<IndexEntry> entry(RepositoryName repository, Tag tag) throws InvalidContentException {
        IndexEntry ours = own.get(new Name(Optional.of(repository), tag));
        if (ours != null) {
            return Optional.of(ours);
        }
        Optional<IndexEntry> full = single(new Name(Optional.of(repository), tag));
        return full.isPresent() ? full : single(new Name(Optional.empty(), tag));
    }

    private Stream<IndexEntry> foreign(Name name) {
        return foreign.stream()
                .filter(entry -> entry.name().filter(name::equals).isPresent());
    }

    private Optional<IndexEntry> single(Name name) throws InvalidContentException {
        Set<Digest> digests = foreign(name).map(IndexEntry::digest).collect(Collectors.toCollection(TreeSet::new));
        if (digests.size() > 1) {
            String called = name.repository().map(known -> known + ":").orElse("") + name.tag();
            throw new InvalidContentException(
                    place + " has several manifests called " + called + ": "
                            + digests.stream().map(Digest::toString).collect(Collectors.joining(", "))
                            + "; name one of them by its digest (layout:PATH@DIGEST, or with"
                            + " :REPOSITORY:TAG before the @ where there are several repositories), or use another layout to write to");
        }
        return foreign(name).findFirst();
    }

    /**
     * Sets a tag; tells whether that changed something.
     *
     * @throws InvalidContentException if several entries of another tool may be that tag
     */
    boolean tag(RepositoryName repository, Tag tag, Descriptor manifest) throws InvalidContentException {
        Optional<IndexEntry> before = entry(repository, tag);
        boolean known = before.filter(entry -> entry.manifest().equals(manifest))
                .filter(entry ->
                        entry.name().filter(name -> name.isOf(repository)).isPresent())
                .isPresent();
        if (!known) {
            changed = true;
            before.ifPresent(this::remove);
            take(before.map(entry -> entry.with(repository, tag, manifest))
                    .orElseGet(() -> IndexEntry.tag(repository, tag, manifest)));
        }
        return !known;
    }

    /** Removes a tag; tells whether it was there. */
    boolean untag(RepositoryName repository, Tag tag) throws InvalidContentException {
        Optional<IndexEntry> entry = entry(repository, tag);
        changed |= entry.isPresent();
        entry.ifPresent(this::remove);
        return entry.isPresent();
    }

    // The same name and manifest may be there twice.
    private void remove(IndexEntry entry) {
        Name name = entry.name().orElseThrow();
        if (entry.isForeign()) {
            foreign(name).toList().forEach(this::forget);
            foreign.removeIf(other -> other.name().equals(entry.name()));
        } else {
            own.remove(name);
            forget(entry);
        }
    }

    /** Removes all tags of a repository on a manifest; those that say no repository stay. */
    void untagAll(RepositoryName repository, Digest manifest) {
        List<IndexEntry> gone = namesOf(manifest)
                .filter(entry ->
                        entry.name().filter(name -> name.isOf(repository)).isPresent())
                .toList();
        gone.forEach(this::forget);
        gone.stream()
                .filter(entry -> !entry.isForeign())
                .forEach(entry -> own.remove(entry.name().orElseThrow()));
        if (gone.stream().anyMatch(IndexEntry::isForeign)) {
            // Of a name that another tool gave to several manifests, the others keep it.
            foreign.removeAll(Set.copyOf(gone));
        }
        changed |= !gone.isEmpty();
    }

    private Stream<IndexEntry> namesOf(Digest manifest) {
        return byManifest.getOrDefault(manifest, Set.of()).stream();
    }

    /** The type of a manifest as its entry states it; empty if none names it. */
    Optional<MediaType> typeOf(Digest manifest) {
        return Stream.concat(namesOf(manifest), Stream.ofNullable(untagged.get(manifest)))
                .map(entry -> entry.manifest().mediaType())
                .findFirst();
    }

    private Stream<Name> names() {
        return Stream.concat(own.keySet().stream(), foreign.stream().flatMap(entry -> entry.name().stream()));
    }

    /** The tags of a repository, in order. */
    List<Tag> tags(RepositoryName repository) {
        Set<Tag> found = names().filter(name -> name.fits(repository))
                .map(Name::tag)
                .collect(Collectors.toCollection(TreeSet::new));
        return List.copyOf(found);
    }

    /** The repositories that are known by name, in order. */
    List<RepositoryName> repositories() {
        return names().flatMap(name -> name.repository().stream())
                .distinct()
                .sorted(Comparator.comparing(RepositoryName::value))
                .toList();
    }

    /** Names a manifest that has no tag; tells whether that changed something. */
    boolean add(Descriptor manifest) {
        boolean added = untagged.putIfAbsent(manifest.digest(), IndexEntry.untagged(manifest)) == null;
        changed |= added;
        return added;
    }

    /** No longer names a manifest that has no tag. */
    void remove(Digest manifest) {
        changed |= untagged.remove(manifest) != null;
    }

    /** The digests of all manifests that have a name, a tag or another. */
    Set<Digest> named() {
        return Stream.concat(own.values().stream(), foreign.stream())
                .map(IndexEntry::digest)
                .collect(Collectors.toCollection(LinkedHashSet::new));
    }

    /** Whether a manifest has a name, a tag or another. */
    boolean isNamed(Digest manifest) {
        return byManifest.containsKey(manifest);
    }

    /** Whether a manifest has a name that does not say that it is of one of some repositories. */
    boolean isNamedBeyond(Digest manifest, Set<RepositoryName> repositories) {
        return namesOf(manifest)
                .anyMatch(entry -> entry.name()
                        .flatMap(Name::repository)
                        .filter(repositories::contains)
                        .isEmpty());
    }

    /** Whether a manifest is there without a name. */
    boolean isUntagged(Digest manifest) {
        return untagged.containsKey(manifest);
    }

    /** The digests of all manifests that are there without a name. */
    Set<Digest> untagged() {
        return Set.copyOf(untagged.keySet());
    }

    /** The digests of all manifests that the index names, each once. */
    Set<Digest> manifests() {
        Set<Digest> all = new LinkedHashSet<>(untagged.keySet());
        all.addAll(named());
        return all;
    }

    /** Whether it is another than the one on the disk. */
    boolean isChanged() {
        return changed;
    }

    /** Takes note that it is on the disk as it is. */
    void isWritten() {
        changed = false;
    }

    /** The bytes of {@code index.json}. */
    byte[] toBytes() {
        return toBytes(digest -> true);
    }

    /** The bytes of an {@code index.json} with all names, and of what has none only what is wanted. */
    byte[] toBytes(Predicate<Digest> wanted) {
        boolean several = names().map(Name::repository).distinct().count() > 1;
        Collection<JsonNode> entries = new ArrayList<>();
        foreign.forEach(entry -> entries.add(entry.json(several)));
        own.values().forEach(entry -> entries.add(entry.json(several)));
        untagged.values().stream()
                .filter(entry -> wanted.test(entry.digest()))
                .sorted(Comparator.comparing(IndexEntry::digest))
                .forEach(entry -> entries.add(entry.json(several)));
        if (document == null) {
            return LayoutFormat.index(entries);
        }
        // What else another tool says of the index stays.
        ArrayNode manifests = document.putArray(MANIFESTS);
        manifests.addAll(entries);
        return LayoutFormat.bytes(document);
    }
}
