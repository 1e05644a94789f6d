package dev.entrepot.replicator.bundle;

import java.util.Locale;
import java.util.Set;

/**
 * What systems leave in folders that somebody looks at or copies: it is nothing that anybody put there, and nothing of
 * it is read. Everything else in a volume that does not belong to it is an alteration.
 */
final class KnownLitter {
    // In small letters: the systems that leave most of these make no difference.
    private static final Set<String> NAMES = Set.of(
            ".ds_store",
            ".spotlight-v100",
            ".trashes",
            ".fseventsd",
            ".temporaryitems",
            ".documentrevisions-v100",
            ".volumeicon.icns",
            "thumbs.db",
            "ehthumbs.db",
            "desktop.ini",
            "system volume information",
            "$recycle.bin",
            "lost+found",
            ".directory");
    // The resources of a file, on disks that have no place for them.
    private static final String RESOURCES = "._";

    private KnownLitter() {}

    /** Whether a file or folder of this name is such a thing. */
    static boolean is(String name) {
        return name.startsWith(RESOURCES) || NAMES.contains(name.toLowerCase(Locale.ROOT));
    }
}
