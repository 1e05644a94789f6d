package dev.entrepot.replicator;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * What is to be done for one tag at one target.
 *
 * @param source repository at the source
 * @param repository repository at the target
 * @param tag the tag; {@code *} as text if the repository could not be listed
 * @param digest what it names at the source, where that was asked
 * @param action what is to be done
 * @param reason why, for people
 * @param failure for {@link Action#FAIL}, what went wrong
 * @param nodes for {@link Action#COPY}, the nodes of the graph and what is to be done for each
 * @param referrerSets subjects whose referrers the target does not list in full
 * @param tags tags to write, cosign's first and the tag itself last
 * @param backups under which tags the target's present manifests are kept, of tags that are written
 */
public record ImagePlan(
        RepositoryName source,
        RepositoryName repository,
        String tag,
        Optional<Digest> digest,
        Action action,
        String reason,
        Optional<ItemReport.Failure> failure,
        List<Node> nodes,
        List<Digest> referrerSets,
        List<Tag> tags,
        List<Backup> backups) {
    /** Copies the lists. */
    public ImagePlan {
        nodes = List.copyOf(nodes);
        referrerSets = List.copyOf(referrerSets);
        tags = List.copyOf(tags);
        backups = List.copyOf(backups);
    }

    /** A plan without anything to do. */
    static ImagePlan without(
            RepositoryName source,
            RepositoryName repository,
            String tag,
            Optional<Digest> digest,
            Action action,
            String reason) {
        return new ImagePlan(
                source,
                repository,
                tag,
                digest,
                action,
                reason,
                Optional.empty(),
                List.of(),
                List.of(),
                List.of(),
                List.of());
    }

    /** A plan of which nothing can be done. */
    static ImagePlan failed(RepositoryName source, RepositoryName repository, String tag, ItemReport.Failure failure) {
        return new ImagePlan(
                source,
                repository,
                tag,
                Optional.empty(),
                Action.FAIL,
                failure.cause(),
                Optional.of(failure),
                List.of(),
                List.of(),
                List.of(),
                List.of());
    }

    /** This plan with other steps for its nodes. */
    ImagePlan withNodes(List<Node> newNodes) {
        return new ImagePlan(
                source, repository, tag, digest, action, reason, failure, newNodes, referrerSets, tags, backups);
    }

    /**
     * A tag that is written although the target has it at something else, which is kept.
     *
     * @param tag the tag
     * @param as the tag that what was there gets
     */
    public record Backup(Tag tag, Tag as) {
        private static final String WAS = "-was-";

        /** The tag with the beginning of the digest that it was at; a tag that gets too long is cut. */
        static Tag name(Tag tag, Digest old) {
            String suffix = WAS + old.shortForm();
            String stem = tag.value().substring(0, Math.min(tag.value().length(), 128 - suffix.length()));
            return new Tag(stem + suffix);
        }

        /** Whether a tag may be a backup, by its form; what it names says more. */
        static boolean mayBe(Tag tag) {
            return tag.value().contains(WAS);
        }

        /** Whether a tag that names this digest is a backup: it says so itself. */
        static boolean is(Tag tag, Digest there) {
            return tag.value().endsWith(WAS + there.shortForm());
        }
    }

    /** The tag under which what the image's own tag names now is kept, if it is. */
    public Optional<Tag> backup() {
        return backups.stream()
                .filter(backup -> backup.tag().value().equals(tag))
                .map(Backup::as)
                .findFirst();
    }

    /** What can be done for a tag. */
    public enum Action {
        /** Bring what is missing, and move the tag if it is elsewhere. */
        COPY,
        /** Nothing: it is complete. */
        UP_TO_DATE,
        /** Nothing: the rule says to leave it. */
        SKIP,
        /** Nothing can be done. */
        FAIL;

        /** As plans write it. */
        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }

    /** What is to be done for a node. */
    public enum Step {
        /** It is there. */
        PRESENT,
        /** It is sent. */
        PUSH,
        /** It is linked from another repository of the target. */
        MOUNT,
        /** An earlier image of this plan brings it into the same repository. */
        SHARED
    }

    /**
     * A manifest or blob of the graph.
     *
     * @param descriptor the node
     * @param manifest whether it is a manifest
     * @param step what is to be done for it
     * @param from for {@link Step#MOUNT}, the repository to link it from; for {@link Step#SHARED}, from which the
     *     earlier image links it
     * @param awaited whether an earlier image of the plan brings it there
     */
    public record Node(
            Descriptor descriptor, boolean manifest, Step step, Optional<RepositoryName> from, boolean awaited) {
        /** A node that is not mounted. */
        static Node of(Descriptor descriptor, boolean manifest, Step step) {
            return new Node(descriptor, manifest, step, Optional.empty(), false);
        }
    }

    /** Bytes of blobs that will be sent. */
    public long blobBytes() {
        return nodes.stream()
                .filter(node -> node.step() == Step.PUSH && !node.manifest())
                .mapToLong(node -> node.descriptor().sizeBytes())
                .sum();
    }

    /** Bytes of manifests that will be sent. */
    public long manifestBytes() {
        return nodes.stream()
                .filter(node -> node.step() == Step.PUSH && node.manifest())
                .mapToLong(node -> node.descriptor().sizeBytes())
                .sum();
    }

    /** How many nodes of a kind get a step. */
    public long count(boolean manifest, Step step) {
        return nodes.stream()
                .filter(node -> node.manifest() == manifest && node.step() == step)
                .count();
    }
}
