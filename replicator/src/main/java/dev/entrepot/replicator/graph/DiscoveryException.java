package dev.entrepot.replicator.graph;

import dev.entrepot.oci.Digest;
import java.io.IOException;

/**
 * A graph could not be discovered, because of one node. Whoever wanted the graph gets nothing, never a smaller graph.
 */
public final class DiscoveryException extends IOException {
    private final String node;

    /**
     * Names the node.
     *
     * @param node the digest or tag whose discovery failed
     * @param message what was asked
     * @param cause why there was no answer
     */
    public DiscoveryException(String node, String message, IOException cause) {
        super(message + ": " + cause.getMessage(), cause);
        this.node = node;
    }

    /** A graph that exceeds a limit at this node. */
    DiscoveryException(Digest node, String message) {
        super(message);
        this.node = node.toString();
    }

    /** The digest or tag whose discovery failed. */
    public String node() {
        return node;
    }
}
