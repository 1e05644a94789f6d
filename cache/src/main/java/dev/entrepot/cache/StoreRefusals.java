package dev.entrepot.cache;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Whether what is to be stored finds room: a disk that is full, without inodes or read-only refuses it, and so do the
 * limits, though pulls go on and what is stored is served. Safe for all threads.
 */
public final class StoreRefusals {
    /**
     * That something could not be stored.
     *
     * @param kind what it was
     * @param at when
     * @param why the limit that left no room, or what the disk has said, with paths from the name of the data folder
     *     on; and what to do about it
     */
    public record Refusal(ContentKind kind, Instant at, String why) {}

    private final Path root;
    private final Clock clock;
    private volatile @Nullable Refusal last;

    /** Of a data folder; nothing was refused. */
    StoreRefusals(Path root, Clock clock) {
        this.root = root;
        this.clock = clock;
    }

    /** Something could not be stored because of what the disk has said. */
    void refused(ContentKind kind, IOException why) {
        refused(
                kind,
                reason(why)
                        + "; see whether the disk of the data folder has space and inodes left, and can be written");
    }

    /** Something could not be stored, and why, with what to do about it. */
    void refused(ContentKind kind, String why) {
        last = new Refusal(kind, clock.instant(), why);
    }

    // Where the folder is says more than who may see this has to know.
    private String reason(IOException why) {
        String message = why.getMessage();
        return message == null
                ? why.getClass().getSimpleName()
                : message.replace(root.toString(), root.getFileName().toString());
    }

    /** Something was stored. That a manifest was, which is small, says nothing of blobs. */
    void stored(ContentKind kind) {
        Refusal before = last;
        if (before != null && (kind == ContentKind.BLOB || before.kind() == kind)) {
            last = null;
        }
    }

    /** The last refusal; empty if the disk has taken something since. */
    public Optional<Refusal> last() {
        return Optional.ofNullable(last);
    }
}
