package dev.entrepot.replicator.bundle;

import java.nio.file.Path;

/**
 * Places on a medium, as messages name them. Whoever wrote the medium chose the names: a control character in one must
 * not reach the terminal of whoever reads the message.
 */
final class ShownPath {
    private ShownPath() {}

    /** The path, with a question mark for each control character. */
    static String of(Path path) {
        String name = path.toString();
        StringBuilder safe = new StringBuilder(name.length());
        name.chars().forEach(c -> safe.append(Character.isISOControl(c) ? '?' : (char) c));
        return safe.toString();
    }
}
