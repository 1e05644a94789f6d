package dev.entrepot.replicator.bundle;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/**
 * A file did not give what is on it: a scratched disc, a stick that was pulled out. It says nothing about what the file
 * is.
 */
final class UnreadableException extends IOException {
    private static final long serialVersionUID = 1;

    private final String reason;
    private final boolean denied;

    UnreadableException(Path file, IOException cause) {
        super(ShownPath.of(file) + " cannot be read: " + reason(cause), cause);
        this.reason = reason(cause);
        this.denied = cause instanceof AccessDeniedException;
    }

    private static String reason(IOException cause) {
        return switch (cause) {
            case AccessDeniedException _ -> "access is denied";
            case NoSuchFileException _ -> "it is gone";
            case FileSystemException e when e.getReason() != null -> e.getReason();
            default -> String.valueOf(cause.getMessage());
        };
    }

    /** What the system said, without the name of the file. */
    String reason() {
        return reason;
    }

    /** Whether the user may not read it: then it is nothing that the sender could mend. */
    boolean isDenied() {
        return denied;
    }

    /** Reads something of a file. */
    interface Reading<T> {
        T now() throws IOException;
    }

    /**
     * Reads something of a file, and says so if that fails. What is wrong with what was read, and an interrupt, stay as
     * they are.
     *
     * @throws UnreadableException if the system does not give it
     */
    static <T> T reading(Path file, Reading<T> reading) throws IOException {
        try {
            return reading.now();
        } catch (UnreadableException e) {
            throw e;
        } catch (IOException e) {
            throw isOfTheMedium(e) ? new UnreadableException(file, e) : e;
        }
    }

    /**
     * Whether it is the system that did not give something. What is wrong with what was read, and an interrupt, are
     * something else.
     */
    static boolean isOfTheMedium(IOException failure) {
        return !(failure instanceof VolumeException
                || failure instanceof BundleException
                || failure instanceof InterruptedIOException
                || failure instanceof ClosedByInterruptException);
    }
}
