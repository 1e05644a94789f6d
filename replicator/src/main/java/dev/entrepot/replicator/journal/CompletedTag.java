package dev.entrepot.replicator.journal;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import java.time.Instant;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * A tag that was complete at a target.
 *
 * @param rule the rule that brought it, or found it
 * @param target the place of the target
 * @param registry the name of the registry that it came from; empty if an earlier version wrote this down
 * @param source the repository at the source
 * @param repository the repository at the target
 * @param tag the tag
 * @param sourceDigest what the tag named at the source
 * @param targetDigest what it names at the target: the same, except for a trimmed index
 * @param scope {@code ReplicationRule}'s scope key at that time
 * @param nodes all manifests of the graph
 * @param kept what else the rule had under the tag, as it is now, when it wanted more
 * @param at when it was verified
 */
public record CompletedTag(
        String rule,
        String target,
        String registry,
        RepositoryName source,
        RepositoryName repository,
        Tag tag,
        Digest sourceDigest,
        Digest targetDigest,
        String scope,
        List<Node> nodes,
        List<Digest> kept,
        Instant at) {
    /** Copies the lists. */
    public CompletedTag {
        nodes = List.copyOf(nodes);
        kept = List.copyOf(kept);
    }

    /**
     * A manifest of a completed graph.
     *
     * @param digest its digest
     * @param fingerprint what was attached to it at the source, as it is noted
     */
    public record Node(Digest digest, String fingerprint) {
        private static final String LACKING = "?";

        /** One to which the source attached this, and listed more that it did not have. */
        public static Node lacking(Digest digest, String fingerprint) {
            return new Node(digest, fingerprint + LACKING);
        }

        /** Whether the source listed more than it had. */
        public boolean isLacking() {
            return fingerprint.endsWith(LACKING);
        }

        /** The fingerprint of what the source attached to it, and had. */
        public String attached() {
            return isLacking() ? fingerprint.substring(0, fingerprint.length() - LACKING.length()) : fingerprint;
        }
    }

    /** Whether the source listed referrers that it did not have, and may have later. */
    public boolean isLacking() {
        return nodes.stream().anyMatch(Node::isLacking);
    }

    /** Whether it is known to have come from a registry. */
    public boolean isFrom(String name) {
        return registry.equals(name);
    }

    /** All manifests that are under the tag as far as the rule knows. */
    public Set<Digest> digests() {
        Set<Digest> digests = new LinkedHashSet<>(List.of(targetDigest));
        nodes.forEach(node -> digests.add(node.digest()));
        digests.addAll(kept);
        return digests;
    }

    /**
     * The same with what the rule knew of the tag before: what it wanted then and does not want now is there all the
     * same, as long as the tag names the same.
     */
    CompletedTag after(CompletedTag before) {
        if (!before.targetDigest().equals(targetDigest)) {
            return this;
        }
        Set<Digest> more = before.scope().equals(scope) ? new LinkedHashSet<>(before.kept()) : before.digests();
        more.remove(targetDigest);
        nodes.forEach(node -> more.remove(node.digest()));
        return new CompletedTag(
                rule,
                target,
                registry,
                source,
                repository,
                tag,
                sourceDigest,
                targetDigest,
                scope,
                nodes,
                List.copyOf(more),
                at);
    }

    String encodedKept() {
        return kept.stream().map(Digest::toString).collect(Collectors.joining("\n"));
    }

    static List<Digest> decodeKept(String text) {
        return text.lines().map(Digest::parse).toList();
    }

    String encodedNodes() {
        return nodes.stream()
                .map(node -> node.digest() + " " + node.fingerprint())
                .collect(Collectors.joining("\n"));
    }

    static List<Node> decodeNodes(String text) {
        return text.lines()
                .map(line -> {
                    int space = line.indexOf(' ');
                    return new Node(Digest.parse(line.substring(0, space)), line.substring(space + 1));
                })
                .toList();
    }
}
