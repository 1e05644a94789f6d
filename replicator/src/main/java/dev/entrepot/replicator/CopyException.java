package dev.entrepot.replicator;

import dev.entrepot.oci.BlockedException;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.RefusedException;
import dev.entrepot.oci.RegistryException;
import dev.entrepot.oci.UnauthorizedException;
import dev.entrepot.replicator.graph.DiscoveryException;
import dev.entrepot.replicator.graph.RequestLimit;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** An image could not be brought to a target, because of one node. The message says what was tried; the cause says what came of it. */
final class CopyException extends IOException {
    private final Side side;
    private final String node;

    CopyException(Side side, Object node, String message, IOException cause) {
        super(message + ": " + cause.getMessage(), cause);
        this.side = side;
        this.node = node.toString();
    }

    CopyException(Side side, Object node, String message) {
        super(message);
        this.side = side;
        this.node = node.toString();
    }

    /** What a report says about it. */
    ItemReport.Failure failure() {
        return new ItemReport.Failure(side, node, String.valueOf(getMessage()), fault(getCause()));
    }

    // What is said of a host as a whole. What is not found is not found node by node, and each is worth a line.
    private static String fault(@Nullable Throwable cause) {
        return switch (cause) {
            case DiscoveryException discovery -> fault(discovery.getCause());
            case OutageException outage ->
                "outage: " + outage.reason().name().toLowerCase(Locale.ROOT).replace('_', '-');
            case UnauthorizedException unauthorized -> "unauthorized: " + unauthorized.status();
            case RefusedException refused -> ("refused: " + refused.status() + " " + refused.code()).strip();
            case BlockedException blocked ->
                "blocked: " + blocked.kind().name().toLowerCase(Locale.ROOT).replace('_', '-');
            case null, default -> "";
        };
    }

    /**
     * Does something at one side, and says so if it fails.
     *
     * @param node the digest or tag that it is about
     * @param doing what is done, for the message
     * @throws CopyException if it fails; its side is {@link Side#LOCAL} if the failure is not the registry's
     */
    static <T> T at(Side side, Object node, String doing, RequestLimit.Request<T> request) throws IOException {
        try {
            return request.send();
        } catch (IOException e) {
            throw of(side, node, doing, e);
        }
    }

    /** The failure of something at one side; one that says already whose it is, and an interrupt, stay as they are. */
    static IOException of(Side side, Object node, String doing, IOException e) {
        return switch (e) {
            case CopyException already -> already;
            case InterruptedIOException interrupt -> interrupt;
            case DiscoveryException discovery ->
                new CopyException(sideOf(Side.SOURCE, discovery.getCause()), discovery.node(), doing, e);
            case BlobTransfer.SourceFault fault ->
                new CopyException(sideOf(Side.SOURCE, fault.fault()), node, doing, fault.fault());
            default -> new CopyException(sideOf(side, e), node, doing, e);
        };
    }

    private static Side sideOf(Side side, @Nullable Throwable cause) {
        return cause == null || cause instanceof RegistryException ? side : Side.LOCAL;
    }
}
