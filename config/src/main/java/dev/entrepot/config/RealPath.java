package dev.entrepot.config;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Where a path leads when links are followed, of what need not be there yet. */
final class RealPath {
    // As many as Linux follows.
    private static final int MOST_LINKS = 40;

    private RealPath() {}

    /**
     * The real path of the nearest that is there, and what is not there below it. Also links to what is not there are
     * followed; what cannot be read, or leads to itself, is taken as it is written. Never fails.
     */
    static Path of(Path path) {
        return of(path.toAbsolutePath(), MOST_LINKS);
    }

    private static Path of(Path path, int links) {
        try {
            return path.toRealPath();
        } catch (IOException | SecurityException e) {
            // It is not there, or may not be read.
        }
        Path parent = path.getParent();
        Path name = path.getFileName();
        if (parent == null || name == null) {
            return path;
        }
        Path folder = of(parent, links);
        Path here = folder.resolve(name).normalize();
        if (links > 0 && Files.isSymbolicLink(here)) {
            try {
                return of(folder.resolve(Files.readSymbolicLink(here)), links - 1);
            } catch (IOException | SecurityException e) {
                // As it is written.
            }
        }
        return here;
    }
}
