package dev.entrepot.proxy;

import dev.entrepot.config.LoadedConfig;
import dev.entrepot.oci.Digest;
import java.util.Optional;

/**
 * A configuration file, and what of it is in effect: what lies there may be another by the time that somebody looks
 * again.
 *
 * @param file where it is read from
 * @param content the digest of the bytes that were read; empty if there was no file
 * @param hasValues whether anything was in it
 */
record ParsedFile(ConfigFile file, Optional<Digest> content, boolean hasValues) {
    /** What was loaded from a file. */
    static ParsedFile of(ConfigFile file, LoadedConfig loaded) {
        return new ParsedFile(file, loaded.content(), !loaded.origins().isEmpty());
    }
}
