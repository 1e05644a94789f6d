package dev.entrepot.proxy;

import dev.entrepot.config.ByteSize;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * What {@code entrepot export} was asked for. Paths are absolute.
 *
 * @param names a rule, or references
 * @param output where to write to
 * @param volumeSize the largest size of a volume
 * @param since the receipts that it is to be the difference to: what all of them have is left out
 * @param trust files of keys that a receipt may be signed by
 * @param key the key to sign with
 * @param unsigned whether it is meant that there is none; a dry run may leave open which key it is
 * @param from where content is read
 * @param keep whether the cache keeps the blobs that are read of upstreams
 * @param restart whether an export that did not come to its end is forgotten
 * @param reissue the id of a bundle, or one of its volumes, of which volumes are written again
 * @param volumes which ones
 * @param dryRun whether nothing is written
 * @param json whether the answer is JSON
 * @param workingDirectory what relative paths start from
 */
record ExportRequest(
        List<String> names,
        Optional<Path> output,
        Optional<ByteSize> volumeSize,
        List<Path> since,
        List<Path> trust,
        Optional<Path> key,
        boolean unsigned,
        From from,
        boolean keep,
        boolean restart,
        Optional<String> reissue,
        List<Integer> volumes,
        boolean dryRun,
        boolean json,
        Path workingDirectory) {
    /** Where content is read. */
    enum From {
        /** From what the cache keeps, and nowhere else. */
        CACHE,
        /** From the upstreams, past the cache. */
        UPSTREAM,
        /** What the cache keeps from there, and the rest from the upstreams. */
        BOTH;

        /** As the option has it. */
        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }
}
