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
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * An image could not be brought to a target, because of one node. The message says what was tried; the cause says what
 * came of it.
 */
final class CopyException extends IOException {
    private final Side side;
    private final String node;

    CopyException(Side side, Object node, String message, IOException cause) {
        super(message + ": " + why(cause), cause);
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

    // With the remedy, where the cause does not say it. The library's own messages of files that fail are often their
    // names alone.
    private static String why(IOException cause) {
        return switch (cause) {
            case DiscoveryException discovery -> discovery.getMessage() + remedy(discovery.getCause());
            case FileAlreadyExistsException file -> file.getFile() + " is in the way: it is no folder";
            case NotDirectoryException file -> file.getFile() + " is in the way: it is no folder";
            case NoSuchFileException file -> file.getFile() + " is not there, and cannot be made; is it writable?";
            case AccessDeniedException file -> file.getFile() + ": permission denied; is it writable?";
            default -> cause.getMessage() + remedy(cause);
        };
    }

    private static String remedy(@Nullable Throwable cause) {
        return !(cause instanceof UnauthorizedException refused)
                ? ""
                : refused.status() == 401
                        ? "; check the name, and the credentials that the configuration has for it"
                        : "; check the name, and what its credentials may do there";
    }

    // What is said of a host as a whole. What is not found is not found node by node, and each is worth a line.
    private static String fault(@Nullable Throwable cause) {
        return switch (cause) {
            case DiscoveryException discovery -> fault(discovery.getCause());
            case OutageException outage ->
                "outage: " + outage.reason().name().toLowerCase(Locale.ROOT).replace('_', '-');
            case UnauthorizedException unauthorized -> "unauthorized: " + unauthorized.status();
            case RefusedException refused -> ("refused: " + refused.status() + " " + refused.code()).strip();
            // Of a manifest, and of no other at that host.
            case BlockedException blocked when blocked.kind() == BlockedException.Kind.UNVERIFIABLE -> "";
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
     * @throws CopyException if it fails; its side is {@link Side#LOCAL} if the failure is neither the registry's nor
     *     that of files that are the target
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

    // The cache's own files are read for the source's side only; files that fail at a target's are those of a layout.
    private static Side sideOf(Side side, @Nullable Throwable cause) {
        boolean layout = side == Side.TARGET && cause instanceof FileSystemException;
        return cause == null || cause instanceof RegistryException || layout ? side : Side.LOCAL;
    }
}
