package dev.entrepot.replicator.journal;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import java.time.Instant;
import java.util.List;
import java.util.stream.Collectors;

/**
 * A tag that was complete at a target.
 *
 * @param rule the rule that brought it
 * @param target the target
 * @param registry the name of the registry that it came from; empty if an earlier version wrote this down
 * @param source the repository at the source
 * @param repository the repository at the target
 * @param tag the tag
 * @param sourceDigest what the tag named at the source
 * @param targetDigest what it names at the target: the same, except for a trimmed index
 * @param scope {@code ReplicationRule}'s scope key at that time
 * @param nodes all manifests of the graph
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
        Instant at) {
    /** Copies the list. */
    public CompletedTag {
        nodes = List.copyOf(nodes);
    }

    /**
     * A manifest of a completed graph.
     *
     * @param digest its digest
     * @param fingerprint what was attached to it at the source
     */
    public record Node(Digest digest, String fingerprint) {}

    /** Whether it is known to have come from a registry. */
    public boolean isFrom(String name) {
        return registry.equals(name);
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
