package dev.entrepot.replicator.bundle;

import dev.entrepot.oci.Digest;
import dev.entrepot.replicator.WholeFile;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Parts of the blobs of one bundle that are larger than a volume, kept while their volumes come one at a time, each in
 * a file of its own: as much room as such a blob has, until the target has it.
 *
 * @param folder the folder of the bundle
 */
record KeptParts(Path folder) {
    private static final int BUFFER_BYTES = 256 * 1024;

    /** What a part that was to be kept turned out not to be. */
    private static final class NotThePartException extends IOException {
        private static final long serialVersionUID = 1;
    }

    private static String prefix(Digest blob) {
        return "part-" + blob.algorithm() + "-" + blob.encoded() + "-";
    }

    private Path file(Digest blob, int number) {
        return folder.resolve(prefix(blob) + String.format(Locale.ROOT, "%04d", number));
    }

    private Optional<Slice> find(Digest blob, int number, Placement.Part part) throws IOException {
        Path file = file(blob, number);
        try {
            return Files.size(file) == part.sizeBytes()
                    ? Optional.of(new Slice(file, 0, part.sizeBytes()))
                    : Optional.empty();
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
    }

    /**
     * The bundle with the parts that are kept of its blobs. Where all parts of a blob are at hand with them, those that
     * were kept are read and compared first: one that the disk has lost is asked for again.
     */
    Bundle with(Bundle given) throws IOException {
        if (!Files.isDirectory(folder)) {
            return given;
        }
        Map<Digest, Map<Integer, Slice>> found = new HashMap<>();
        for (BundledBlob blob : given.inventory().blobs().values()) {
            if (blob.placement() instanceof Placement.InParts in && !given.has(blob)) {
                Map<Integer, Slice> kept = kept(given, blob, in.parts());
                if (!kept.isEmpty()) {
                    found.put(blob.digest(), kept);
                }
            }
        }
        return given.with(found);
    }

    private Map<Integer, Slice> kept(Bundle given, BundledBlob blob, List<Placement.Part> parts) throws IOException {
        Map<Integer, Slice> kept = new HashMap<>();
        int atHand = 0;
        for (int number = 1; number <= parts.size(); number++) {
            if (given.hasPart(blob.digest(), number)) {
                atHand++;
            } else {
                Optional<Slice> slice = find(blob.digest(), number, parts.get(number - 1));
                if (slice.isPresent()) {
                    kept.put(number, slice.get());
                }
            }
        }
        if (atHand + kept.size() == parts.size()) {
            for (int number : List.copyOf(kept.keySet())) {
                if (!isWhole(blob.digest(), number, parts.get(number - 1))) {
                    Files.deleteIfExists(file(blob.digest(), number));
                    kept.remove(number);
                }
            }
        }
        return kept;
    }

    private boolean isWhole(Digest blob, int number, Placement.Part part) throws IOException {
        MessageDigest hasher = part.digest().algorithm().newMessageDigest();
        try (InputStream in = Files.newInputStream(file(blob, number));
                OutputStream out = new DigestOutputStream(OutputStream.nullOutputStream(), hasher)) {
            copy(in, out);
        }
        return Digest.of(part.digest().algorithm(), hasher).equals(part.digest());
    }

    private static void copy(InputStream in, OutputStream out) throws IOException {
        byte[] buffer = new byte[BUFFER_BYTES];
        for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
            out.write(buffer, 0, count);
        }
    }

    /**
     * Keeps a part, hashing it on the way.
     *
     * @param number which part of the blob it is, from 1
     * @param from where it is in a volume
     * @return whether it can be read and is what its digest says; else nothing is kept, and who looks at the volumes
     *     finds out what is wrong
     * @throws InterruptedIOException if interrupted; the interrupt stays set
     * @throws IOException if it cannot be written; the message says what can be done without keeping it
     */
    boolean keep(Digest blob, int number, Placement.Part part, Slice from) throws IOException {
        if (!part.digest().algorithm().isVerifiable()) {
            return false;
        }
        Files.createDirectories(folder);
        try {
            WholeFile.write(file(blob, number), out -> {
                MessageDigest hasher = part.digest().algorithm().newMessageDigest();
                try (InputStream in = from.open(0)) {
                    copy(in, new DigestOutputStream(out, hasher));
                }
                if (!Digest.of(part.digest().algorithm(), hasher).equals(part.digest())) {
                    throw new NotThePartException();
                }
            });
            return true;
        } catch (NotThePartException | UnreadableException e) {
            return false;
        } catch (InterruptedIOException | ClosedByInterruptException e) {
            InterruptedIOException interrupted = new InterruptedIOException(
                    "interrupted while part " + number + " of the blob " + blob + " was kept in " + folder);
            interrupted.initCause(e);
            throw interrupted;
        } catch (IOException e) {
            throw new IOException(
                    "part " + number + " of the blob " + blob + ", which is larger than a volume, cannot be kept in "
                            + folder + " until its other volumes come: " + e
                            + "; make room there, name another data folder with --data, or give its volumes together",
                    e);
        }
    }

    /** Forgets the parts of a blob. */
    void forget(Digest blob) throws IOException {
        if (!Files.isDirectory(folder)) {
            return;
        }
        List<Path> files = new ArrayList<>();
        try (Stream<Path> list = Files.list(folder)) {
            list.filter(file -> String.valueOf(file.getFileName()).startsWith(prefix(blob)))
                    .forEach(files::add);
        }
        for (Path file : files) {
            Files.deleteIfExists(file);
        }
    }
}
