package dev.entrepot.replicator.layout;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.DescriptorJson;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.InvalidNameException;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * One entry of the {@code index.json} of a layout.
 *
 * @param manifest the manifest, without annotations
 * @param name the tag that the entry is; empty if it has no name, or one that is none of a tag
 * @param foreign the entry as another tool wrote it, which it keeps; null of one of our own
 * @param called whether it has any name: then somebody may ask for it by that
 */
record IndexEntry(
        Descriptor manifest, Optional<Name> name, @Nullable JsonNode foreign, boolean called) {
    /** The annotation by which containerd and BuildKit name an image in full, where the other has its tag alone. */
    private static final String CONTAINERD_NAME = "io.containerd.image.name";

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
                        .map(Name::withoutHost)
                        .map(RepositoryName::new);
                return Optional.of(new Name(name, tag));
            } catch (InvalidNameException e) {
                return Optional.empty();
            }
        }

        private static String withoutHost(String name) {
            int slash = name.indexOf('/');
            String first = slash < 0 ? "" : name.substring(0, slash);
            boolean host = first.indexOf('.') >= 0 || first.indexOf(':') >= 0 || first.equals("localhost");
            return host ? name.substring(slash + 1) : name;
        }

        /** Whether it is a tag of this repository, or may be of any. */
        boolean fits(RepositoryName wanted) {
            return repository.isEmpty() || isOf(wanted);
        }

        /** Whether it says that it is a tag of this repository. */
        boolean isOf(RepositoryName wanted) {
            return repository.filter(wanted::equals).isPresent();
        }
    }

    /** A tag of ours. */
    static IndexEntry tag(RepositoryName repository, Tag tag, Descriptor manifest) {
        return new IndexEntry(manifest, Optional.of(new Name(Optional.of(repository), tag)), null, true);
    }

    /** A manifest that has no tag. */
    static IndexEntry untagged(Descriptor manifest) {
        return new IndexEntry(manifest, Optional.empty(), null, false);
    }

    /** An entry of an index that was written by whatever tool. */
    static IndexEntry read(JsonNode json) throws InvalidContentException {
        Descriptor entry = DescriptorJson.read(json);
        Descriptor bare = entry.asReferrer(entry.artifactType(), Map.of());
        Map<String, String> annotations = entry.annotations();
        Optional<String> own = Optional.ofNullable(annotations.get(LayoutFormat.REPOSITORY));
        Optional<String> refName = Optional.ofNullable(annotations.get(LayoutFormat.REF_NAME));
        Optional<String> full = Optional.ofNullable(annotations.get(CONTAINERD_NAME));
        Optional<Name> name = refName.filter(text -> own.isPresent())
                .flatMap(text -> Name.parse(own, text))
                .or(() -> full.flatMap(text -> Name.parse(Optional.empty(), text))
                        .filter(known -> known.repository().isPresent()))
                .or(() -> refName.flatMap(text -> Name.parse(Optional.empty(), text)));
        boolean ours = own.isPresent() && name.isPresent();
        return new IndexEntry(bare, name, ours ? null : json, refName.isPresent() || full.isPresent());
    }

    /** The same name for another manifest: who asks for it by what another tool called it finds it. */
    IndexEntry with(RepositoryName repository, Tag tag, Descriptor other) {
        if (foreign == null || name.isEmpty() || name.get().repository().isEmpty()) {
            return tag(repository, tag, other);
        }
        ObjectNode json = DescriptorJson.write(other);
        ObjectNode annotations = json.putObject("annotations");
        for (String key : new String[] {LayoutFormat.REF_NAME, CONTAINERD_NAME}) {
            JsonNode text = foreign.path("annotations").path(key);
            if (text.isString()) {
                annotations.put(key, text.stringValue());
            }
        }
        return new IndexEntry(other, name, json, true);
    }

    Digest digest() {
        return manifest.digest();
    }

    boolean isForeign() {
        return foreign != null;
    }

    /**
     * The entry as it is written.
     *
     * @param several whether the layout has tags of several repositories, so that the tag alone would not do as a name
     */
    JsonNode json(boolean several) {
        if (foreign != null) {
            return foreign;
        }
        return name.<JsonNode>map(known -> LayoutFormat.tagged(known.repository(), known.tag(), manifest, several))
                .orElseGet(() -> DescriptorJson.write(manifest));
    }
}
