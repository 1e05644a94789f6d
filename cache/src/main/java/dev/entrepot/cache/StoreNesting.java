package dev.entrepot.cache;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Keeps stores out of each other: whoever moves, deletes or restores the outer one does the same to the inner one, and
 * the inner one's bytes count in no limit of the outer. A folder is in a store also by way of links. Makes nothing.
 */
final class StoreNesting {
    private StoreNesting() {}

    /**
     * Refuses a folder that is anywhere in a store, and one without a store that has a store in one of its own folders.
     * It need not be there yet. What is deeper in a new folder is not looked for, since that may be a whole disk: the
     * store down there is refused when it is opened the next time.
     *
     * @throws IOException if it may not become a store; names both and the remedy
     */
    static void refuse(StoreLayout layout) throws IOException {
        Path folder = layout.root().toAbsolutePath();
        for (Path way : new Path[] {real(folder), folder.normalize()}) {
            for (Path above = way.getParent(); above != null; above = above.getParent()) {
                if (isStore(above)) {
                    throw new IOException("the cache directory " + layout.root() + " is in the store at " + above
                            + ", with which it would be moved and deleted: name a folder outside it"
                            + " (cache.directory, or --data); or, if that one was made by mistake and is in no use,"
                            + " take its store.json away");
                }
            }
        }
        Optional<Path> inner = isStore(folder) ? Optional.empty() : storeIn(folder);
        if (inner.isPresent()) {
            throw new IOException("the cache directory " + layout.root() + " has the store at " + inner.get()
                    + " in it, which would be moved and deleted with it: name that one, or a folder of its own"
                    + " (cache.directory, or --data)");
        }
    }

    // The marker alone may be a file of something else.
    private static boolean isStore(Path folder) {
        StoreLayout layout = new StoreLayout(folder);
        return Files.exists(layout.marker()) && Files.isDirectory(layout.tree(ContentKind.BLOB));
    }

    private static Optional<Path> storeIn(Path folder) throws IOException {
        List<Path> found = Files.isDirectory(folder) ? StoreLayout.files(folder) : List.of();
        return found.stream()
                .filter(path -> Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS))
                .filter(StoreNesting::isStore)
                .findFirst();
    }

    // What is not there yet is below the nearest that is; its last name stands for all that is missing.
    private static Path real(Path folder) {
        for (@Nullable Path at = folder; at != null; at = at.getParent()) {
            try {
                Path there = at.toRealPath();
                return at.equals(folder) ? there : there.resolve("missing");
            } catch (IOException e) {
                // It is not there, or may not be read.
            }
        }
        return folder;
    }
}
