package dev.entrepot.replicator.layout;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.DescriptorJson;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.InvalidNameException;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The {@code index.json} of a layout (image-spec image-layout.md): tags of one or several repositories, and the
 * manifests that have no tag, which is where a layout keeps referrers. Not safe for several threads; its owner has a
 * lock.
 *
 * <p>The name of an entry ({@code org.opencontainers.image.ref.name}) is the tag alone while all tags are of one
 * repository, and {@code repository:tag} when there are several. An annotation of our own says which repository it is
 * in both cases. What another tool wrote has no such annotation: a name with a repository is of that repository, one
 * without is found in every repository.
 */
final class LayoutIndex {
    /** Longest index that is read. */
    static final long MAX_BYTES = 256L << 20;

    private final Map<Name, Descriptor> tags = new TreeMap<>(Comparator.comparing(
                    (Name name) -> name.repository().map(RepositoryName::value).orElse(""))
            .thenComparing(name -> name.tag().value()));
    private final Map<Digest, Descriptor> untagged = new LinkedHashMap<>();

    /** A tag, and the repository that it is of where that is known. */
    record Name(Optional<RepositoryName> repository, Tag tag) {
        private static Optional<Name> parse(Optional<String> repository, String refName) {
            int colon = refName.lastIndexOf(':');
            boolean full = colon > refName.lastIndexOf('/');
            String stem = full ? refName.substring(0, colon) : "";
            try {
                Tag tag = new Tag(full ? refName.substring(colon + 1) : refName);
                Optional<RepositoryName> name = repository
                        .or(() -> Optional.of(stem).filter(text -> !text.isEmpty()))
                        .map(LayoutIndex::withoutHost)
                        .map(RepositoryName::new);
                return Optional.of(new Name(name, tag));
            } catch (InvalidNameException e) {
                return Optional.empty();
            }
        }
    }

    private static String withoutHost(String name) {
        int slash = name.indexOf('/');
        String first = slash < 0 ? "" : name.substring(0, slash);
        boolean host = first.indexOf('.') >= 0 || first.indexOf(':') >= 0 || first.equals("localhost");
        return host ? name.substring(slash + 1) : name;
    }

    /** What an {@code index.json} names. */
    static LayoutIndex parse(byte[] json, String place) throws InvalidContentException {
        LayoutIndex index = new LayoutIndex();
        try {
            for (JsonNode entry : OciJson.mapper().readTree(json).path("manifests")) {
                index.take(DescriptorJson.read(entry));
            }
        } catch (JacksonException e) {
            throw new InvalidContentException(place + " is not readable JSON", e);
        }
        return index;
    }

    private void take(Descriptor entry) {
        Optional<String> repository = Optional.ofNullable(entry.annotations().get(LayoutFormat.REPOSITORY));
        Optional<Name> name = Optional.ofNullable(entry.annotations().get(LayoutFormat.REF_NAME))
                .flatMap(text -> Name.parse(repository, text));
        Descriptor bare = entry.asReferrer(entry.artifactType(), Map.of());
        name.ifPresentOrElse(known -> tags.put(known, bare), () -> untagged.put(bare.digest(), bare));
    }

    /** What a tag names in a repository, also if another tool did not say of which repository it is. */
    Optional<Descriptor> find(RepositoryName repository, Tag tag) {
        return Optional.ofNullable(tags.get(new Name(Optional.of(repository), tag)))
                .or(() -> Optional.ofNullable(tags.get(new Name(Optional.empty(), tag))));
    }

    /** Sets a tag; tells whether that changed something. */
    boolean tag(RepositoryName repository, Tag tag, Descriptor manifest) {
        boolean replaces = tags.remove(new Name(Optional.empty(), tag)) != null;
        Descriptor before = tags.put(new Name(Optional.of(repository), tag), manifest);
        return replaces || !manifest.equals(before);
    }

    /** Removes a tag; tells whether it was there. */
    boolean untag(RepositoryName repository, Tag tag) {
        boolean own = tags.remove(new Name(Optional.of(repository), tag)) != null;
        return tags.remove(new Name(Optional.empty(), tag)) != null || own;
    }

    /** Removes all tags of a repository on a manifest. */
    void untagAll(RepositoryName repository, Digest manifest) {
        tags.entrySet()
                .removeIf(entry -> entry.getValue().digest().equals(manifest)
                        && entry.getKey().repository().map(repository::equals).orElse(true));
    }

    /** The tags of a repository, in order. */
    List<Tag> tags(RepositoryName repository) {
        Set<Tag> found = new TreeSet<>();
        tags.keySet().stream()
                .filter(name -> name.repository().map(repository::equals).orElse(true))
                .forEach(name -> found.add(name.tag()));
        return List.copyOf(found);
    }

    /** The repositories that are known by name, in order. */
    List<RepositoryName> repositories() {
        return tags.keySet().stream()
                .flatMap(name -> name.repository().stream())
                .distinct()
                .toList();
    }

    /** The manifests without a tag, to be changed. */
    Map<Digest, Descriptor> untagged() {
        return untagged;
    }

    /** The digests of all manifests that have a tag. */
    Set<Digest> taggedDigests() {
        return tags.values().stream().map(Descriptor::digest).collect(Collectors.toSet());
    }

    /** All manifests that the index names, each once. */
    List<Descriptor> manifests() {
        Map<Digest, Descriptor> all = new LinkedHashMap<>(untagged);
        tags.values().forEach(descriptor -> all.putIfAbsent(descriptor.digest(), descriptor));
        return new ArrayList<>(all.values());
    }

    /** The bytes of {@code index.json}. */
    byte[] toBytes() {
        return toBytes(digest -> true);
    }

    /** The bytes of an {@code index.json} with all tags, and of what has no tag only what is wanted. */
    byte[] toBytes(Predicate<Digest> wanted) {
        boolean several =
                tags.keySet().stream().map(Name::repository).distinct().count() > 1;
        List<ObjectNode> entries = new ArrayList<>();
        tags.forEach((name, descriptor) ->
                entries.add(LayoutFormat.tagged(name.repository(), name.tag(), descriptor, several)));
        untagged.values().stream()
                .filter(entry -> wanted.test(entry.digest()))
                .sorted(Comparator.comparing(Descriptor::digest))
                .forEach(entry -> entries.add(DescriptorJson.write(entry)));
        return LayoutFormat.index(entries);
    }
}
