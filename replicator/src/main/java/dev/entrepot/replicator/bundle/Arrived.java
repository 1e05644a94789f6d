package dev.entrepot.replicator.bundle;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.ReplicationRunner.Wanted;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.Set;

/**
 * What imports brought to one target, so that each receipt is about all of it and not about the last bundle alone. It
 * is only ever what to ask the target for: what it answers is what counts. Not safe for several threads.
 */
final class Arrived {
    /** Most nodes that are remembered; the oldest are forgotten, and then sent again. */
    static final int MOST_NODES = 300_000;

    /** Most images that are remembered. */
    static final int MOST_IMAGES = 100_000;

    /** Most digests that tags have named which are remembered, of all tags together. */
    static final int MOST_MOVES = 300_000;

    private final Map<Place, Node> nodes = new LinkedHashMap<>();
    private final Map<Named, Image> images = new LinkedHashMap<>();
    private final SequencedMap<Name, List<Digest>> moves = new LinkedHashMap<>();

    /** A digest in a repository of the source, and the repository that it became. */
    record Place(RepositoryName repository, RepositoryName at, Digest digest) {}

    /**
     * A manifest or blob.
     *
     * @param wanted what to ask for
     * @param at the repository of the target
     * @param said whether a receipt said that the target has it
     */
    record Node(Wanted wanted, RepositoryName at, boolean said) {
        Place place() {
            return new Place(wanted.repository(), at, wanted.node().digest());
        }
    }

    /** A tag of the target. */
    record Name(RepositoryName at, Tag as) {}

    /** A tag of the target, and what it names or is to name. */
    record Named(Name name, Digest manifest) {}

    /**
     * An image that was imported.
     *
     * @param repository its repository, by the source's name
     * @param tag its tag there
     * @param name its tag at the target
     * @param manifest what it names there
     * @param members digests of all that belongs to it and is to be there
     * @param cosign cosign tags of these, and what they name
     * @param referrers by member, the members that refer to it and are to be listed there
     * @param whole whether these are all; else something of it was not there once, and it is only known what its tag
     *     holds
     */
    record Image(
            RepositoryName repository,
            Tag tag,
            Name name,
            Digest manifest,
            List<Digest> members,
            Map<Tag, Digest> cosign,
            Map<Digest, Set<Digest>> referrers,
            boolean whole) {
        Image(
                RepositoryName repository,
                Tag tag,
                Name name,
                Digest manifest,
                List<Digest> members,
                Map<Tag, Digest> cosign) {
            this(repository, tag, name, manifest, members, cosign, Map.of(), true);
        }

        Image {
            members = List.copyOf(members);
            cosign = Map.copyOf(cosign);
            referrers = Map.copyOf(referrers);
        }

        static Image of(ImageClosure closure, ImportNames names) {
            BundledImage image = closure.image();
            Set<Digest> members = new LinkedHashSet<>();
            closure.manifests().forEach(manifest -> members.add(manifest.digest()));
            closure.blobs().forEach(blob -> members.add(blob.digest()));
            Map<Digest, Set<Digest>> referrers = new HashMap<>();
            for (BundledManifest manifest : closure.manifests()) {
                Set<Digest> referring = new LinkedHashSet<>(manifest.referrers());
                referring.retainAll(members);
                if (!referring.isEmpty()) {
                    referrers.put(manifest.digest(), referring);
                }
            }
            return new Image(
                    image.repository(),
                    image.tag(),
                    new Name(names.repository(image.repository()), names.tag(image)),
                    image.manifest(),
                    List.copyOf(members),
                    closure.cosignTags(),
                    referrers,
                    true);
        }

        /** Its tag, and what that is to name. */
        Named named() {
            return new Named(name, manifest);
        }

        /** What there is of it at a target that lacks the rest. */
        Image partly(Collection<Digest> there) {
            return new Image(
                    repository,
                    tag,
                    name,
                    manifest,
                    members.stream().filter(there::contains).toList(),
                    cosign,
                    Map.of(),
                    false);
        }

        /** The same image at a target that has a trimmed index in the place of its own, which need not be there. */
        Image trimmedTo(Digest index) {
            Map<Digest, Set<Digest>> listed = new HashMap<>(referrers);
            listed.remove(manifest);
            return new Image(
                    repository,
                    tag,
                    name,
                    index,
                    members.stream().filter(digest -> !digest.equals(manifest)).toList(),
                    cosign,
                    listed,
                    true);
        }
    }

    /** The nodes, oldest first. */
    Collection<Node> nodes() {
        return nodes.values();
    }

    /** The images, oldest first. */
    Collection<Image> images() {
        return images.values();
    }

    /** Notes that what belongs to an image is there, or is about to be. What was said of it before still counts. */
    void add(ImageClosure closure, ImportNames names) {
        RepositoryName repository = closure.image().repository();
        RepositoryName at = names.repository(repository);
        closure.manifests().forEach(manifest -> candidate(ImportStock.wanted(repository, manifest), at));
        closure.blobs().forEach(blob -> candidate(ImportStock.wanted(repository, blob), at));
    }

    /** Notes that an image and its cosign tags have their tags, or are about to. */
    void tag(Image image) {
        put(image);
        moved(image.name(), image.manifest());
        image.cosign().forEach((tag, manifest) -> moved(new Name(image.name().at(), tag), manifest));
    }

    /** Notes where the tags of an image are, as far as no import is known to have moved them. */
    void seen(Image image) {
        if (!moves.containsKey(image.name())) {
            moved(image.name(), image.manifest());
        }
        image.cosign().forEach((tag, manifest) -> {
            Name name = new Name(image.name().at(), tag);
            if (!moves.containsKey(name)) {
                moved(name, manifest);
            }
        });
    }

    /** Notes that a tag names this now. */
    void moved(Name name, Digest manifest) {
        List<Digest> before = moves.remove(name);
        List<Digest> now = before == null ? new ArrayList<>() : before;
        now.remove(manifest);
        now.add(manifest);
        moves.put(name, now);
    }

    /**
     * What imports have made tags name, oldest first, what each names now last; the tag that was moved last is the
     * last.
     */
    SequencedMap<Name, List<Digest>> moves() {
        return Collections.unmodifiableSequencedMap(moves);
    }

    /** Whether a tag would name again what an import brought, and a later one moved it away from. */
    boolean goesBack(Name name, Digest manifest) {
        List<Digest> known = moves.getOrDefault(name, List.of());
        return known.contains(manifest) && !known.getLast().equals(manifest);
    }

    private void candidate(Wanted wanted, RepositoryName at) {
        Node known =
                nodes.remove(new Place(wanted.repository(), at, wanted.node().digest()));
        put(new Node(wanted, at, known != null && known.said()));
    }

    /** Notes a node. */
    void put(Node node) {
        nodes.put(node.place(), node);
    }

    /**
     * Notes an image. Another one that had its tag at the target stays: it has it still where the new one fails. Which
     * of them it is {@link #standing} is told, or the next receipt finds out.
     */
    void put(Image image) {
        images.remove(image.named());
        images.put(image.named(), image);
    }

    /**
     * Forgets images whose tags name others now.
     *
     * @param tagged those others
     * @return whether there were any
     */
    boolean standing(Collection<Image> tagged) {
        Map<Name, Digest> now = new HashMap<>();
        tagged.forEach(image -> now.put(image.name(), image.manifest()));
        return images.keySet()
                .removeIf(named ->
                        !now.getOrDefault(named.name(), named.manifest()).equals(named.manifest()));
    }

    /** Notes all that was found out otherwise. What was said of it before still counts. */
    void addAll(Arrived found) {
        for (Node node : found.nodes()) {
            candidate(node.wanted(), node.at());
        }
        found.images().forEach(this::put);
        found.images().forEach(this::seen);
    }

    /** Those that go by the same name at the target now as when they were imported. */
    List<Node> nodes(ImportNames names) {
        return nodes.values().stream()
                .filter(node -> names.repository(node.wanted().repository()).equals(node.at()))
                .toList();
    }

    /** Images that go by the same repository at the target now as when they were imported. */
    List<Image> images(ImportNames names) {
        return images.values().stream()
                .filter(image ->
                        names.repository(image.repository()).equals(image.name().at()))
                .toList();
    }

    /**
     * Notes what the target answered.
     *
     * @param asked what it was asked for
     * @param there what of that it has
     * @param held what a receipt says that it has
     */
    void answered(Collection<Node> asked, Set<Wanted> there, Set<Wanted> held) {
        for (Node node : asked) {
            nodes.remove(node.place());
            if (there.contains(node.wanted())) {
                put(new Node(node.wanted(), node.at(), held.contains(node.wanted())));
            }
        }
    }

    /** Forgets images that are not complete at the target. */
    void forget(Collection<Image> incomplete) {
        incomplete.forEach(image -> images.remove(image.named(), image));
    }

    /**
     * The newest of it: the oldest are forgotten where there are too many, and images of which something is not
     * remembered any more.
     *
     * @param mostNodes most nodes, usually {@link #MOST_NODES}
     * @param mostImages most images, usually {@link #MOST_IMAGES}
     */
    Arrived bounded(int mostNodes, int mostImages) {
        Arrived bounded = new Arrived();
        last(nodes.values(), mostNodes).forEach(bounded::put);
        Set<Place> known = bounded.nodes.keySet();
        last(images.values(), mostImages).stream()
                .filter(image -> image.members().stream()
                        .allMatch(digest -> known.contains(
                                new Place(image.repository(), image.name().at(), digest))))
                .forEach(bounded::put);
        int rest = MOST_MOVES;
        for (Map.Entry<Name, List<Digest>> move : moves.reversed().entrySet()) {
            List<Digest> some = last(move.getValue(), rest);
            if (!some.isEmpty()) {
                bounded.moves.putFirst(move.getKey(), new ArrayList<>(some));
            }
            rest -= some.size();
        }
        return bounded;
    }

    private static <T> List<T> last(Collection<T> all, int most) {
        List<T> list = new ArrayList<>(all);
        return list.subList(Math.max(0, list.size() - most), list.size());
    }
}
