package dev.entrepot.replicator.bundle;

import dev.entrepot.replicator.bundle.VolumeProblem.Kind;
import dev.entrepot.replicator.layout.LayoutFormat;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * A volume in a tar. Its headers are compared with those that are expected, byte for byte; only to find the inventory
 * of a volume of which nothing is known yet are name and size read from them, of the first five, or where these are
 * damaged of those that look like two of them.
 *
 * @param path the tar
 */
record TarVolume(Path path, Opening opening) implements VolumeReader {
    // No index.json is longer: it names what the inventory names.
    private static final long INDEX_BYTES = 4L * BundleLimits.DOCUMENT_BYTES;

    /** Opens the file. */
    interface Opening {
        FileChannel open() throws IOException;
    }

    /** The tar at a place. */
    TarVolume(Path path) {
        this(path, () -> FileChannel.open(path, StandardOpenOption.READ));
    }

    @Override
    public VolumeClaims head() throws IOException {
        try (FileChannel channel = open()) {
            try {
                Cursor cursor = new Cursor(channel, 0);
                cursor.take(LayoutFormat.MARKER, VolumeClaims.SMALL_BYTES);
                cursor.skip(LayoutFormat.INDEX, INDEX_BYTES);
                byte[] stated = cursor.take(VolumePlan.VOLUME, VolumeClaims.SMALL_BYTES);
                return claims(stated, cursor);
            } catch (IOException e) {
                return salvaged(channel, damage(e));
            }
        }
    }

    // A block that the medium does not give is as one that is altered; an interrupt is no damage.
    private static IOException damage(IOException failure) throws IOException {
        if (failure instanceof VolumeException || UnreadableException.isOfTheMedium(failure)) {
            return failure;
        }
        throw failure;
    }

    private static VolumeClaims claims(byte[] stated, Cursor cursor) throws IOException {
        byte[] document = cursor.take(VolumePlan.INVENTORY, BundleLimits.DOCUMENT_BYTES);
        return VolumeClaims.of(stated, document, cursor.signature());
    }

    // Where only what stands before it is damaged, the inventory says the rest.
    private VolumeClaims salvaged(FileChannel channel, IOException otherwise) throws IOException {
        try {
            TarTraces traces = TarTraces.in(channel);
            if (traces.inventory().isPresent()) {
                byte[] stated = volumeDocument(channel, traces);
                return claims(stated, new Cursor(channel, traces.inventory().getAsLong()));
            }
        } catch (IOException e) {
            damage(e);
        }
        throw otherwise;
    }

    private byte[] volumeDocument(FileChannel channel, TarTraces traces) throws IOException {
        try {
            return traces.volume().isPresent()
                    ? new Cursor(channel, traces.volume().getAsLong()).take(VolumePlan.VOLUME, VolumeClaims.SMALL_BYTES)
                    : new byte[0];
        } catch (IOException e) {
            damage(e);
            return new byte[0];
        }
    }

    @Override
    public Optional<VolumeClaims.Stated> traces() throws IOException {
        try (FileChannel channel = open()) {
            return VolumeClaims.Stated.read(volumeDocument(channel, TarTraces.in(channel)));
        }
    }

    private FileChannel open() throws IOException {
        return opening.open();
    }

    /** Reads the files at the beginning of a tar, one behind the other. */
    private final class Cursor {
        private final FileChannel channel;
        private long position;

        Cursor(FileChannel channel, long position) {
            this.channel = channel;
            this.position = position;
        }

        // Where there is none, the content or the end follows; what is neither may have been a signature.
        Optional<byte[]> signature() throws IOException {
            Optional<TarFound> next = TarFound.read(channel, position);
            if (next.isPresent()) {
                return next.get().name().equals(VolumePlan.SIGNATURE)
                        ? Optional.of(take(VolumePlan.SIGNATURE, BundleLimits.SIGNATURE_BYTES))
                        : Optional.empty();
            }
            byte[] block = TarFound.bytes(channel, position, TarHeader.BLOCK_BYTES);
            if (Arrays.equals(block, new byte[TarHeader.BLOCK_BYTES])) {
                return Optional.empty();
            }
            boolean ended = block.length < TarHeader.BLOCK_BYTES;
            throw problem(
                    ended ? Kind.TRUNCATED : Kind.ALTERED,
                    "expected a header behind " + VolumePlan.INVENTORY + ", at byte " + position + ", found "
                            + (ended ? "the end" : "no readable one"));
        }

        byte[] take(String name, int most) throws IOException {
            TarFound found = find(name, most);
            byte[] content = TarFound.bytes(channel, position + TarHeader.BLOCK_BYTES, (int) found.bytes());
            if (content.length < found.bytes()) {
                throw problem(Kind.TRUNCATED, "it ends within " + name + ", after " + channel.size() + " bytes");
            }
            position += TarHeader.BLOCK_BYTES + TarHeader.padded(found.bytes());
            return content;
        }

        void skip(String name, long most) throws IOException {
            position +=
                    TarHeader.BLOCK_BYTES + TarHeader.padded(find(name, most).bytes());
        }

        private TarFound find(String name, long most) throws IOException {
            Optional<TarFound> found = TarFound.read(channel, position);
            boolean first = position == 0;
            if (found.isEmpty() || !found.get().name().equals(name)) {
                boolean ended = position + TarHeader.BLOCK_BYTES > channel.size();
                // What is too short for its first header may have been anything, also a volume that was never copied.
                Kind kind = ended ? Kind.TRUNCATED : first ? Kind.FOREIGN : Kind.ALTERED;
                throw problem(
                        kind,
                        "expected the file " + name + " at byte " + position + ", found "
                                + found.map(other -> "the file " + other.name())
                                        .orElse(ended ? "the end" : "no readable header"));
            }
            if (found.get().bytes() > most) {
                throw problem(
                        Kind.ALTERED,
                        name + " is stated to have " + found.get().bytes() + " bytes, allowed are " + most);
            }
            return found.get();
        }
    }

    @Override
    public int matches(List<VolumeEntry> expected, BadReads bad) throws IOException {
        int matches = 0;
        try (FileChannel channel = open()) {
            long position = 0;
            for (VolumeEntry entry : expected) {
                byte[] header = entry.header();
                boolean constant = entry.content() instanceof VolumeEntry.Content.Constant;
                if (!constant && !bad.areEnough() && isAt(channel, position, header, bad)) {
                    matches++;
                }
                position += entry.tarBytes();
            }
        }
        return matches;
    }

    private static boolean isAt(FileChannel channel, long position, byte[] header, BadReads bad) throws IOException {
        try {
            return Arrays.equals(header, TarFound.bytes(channel, position, header.length));
        } catch (IOException e) {
            damage(e);
            bad.add();
            return false;
        }
    }

    @Override
    public VolumeFiles check(List<VolumeEntry> expected) throws IOException {
        List<Slice> slices = new ArrayList<>(expected.size());
        try (FileChannel channel = open()) {
            long position = 0;
            for (VolumeEntry entry : expected) {
                byte[] header = entry.header();
                byte[] found = TarFound.bytes(channel, position, header.length);
                if (!Arrays.equals(header, found)) {
                    throw different(expected, entry, position, header, found);
                }
                long content = position + header.length;
                slices.add(new Slice(path, content, entry.sizeBytes()));
                compareConstant(channel, entry, content);
                compareZero(
                        channel, content + entry.sizeBytes(), entry.paddingBytes(), "the padding of " + entry.name());
                position += entry.tarBytes();
            }
            compareZero(channel, position, VolumePlan.END_BYTES, "the end of the tar");
            long total = position + VolumePlan.END_BYTES;
            if (channel.size() != total) {
                throw problem(
                        Kind.ALTERED,
                        "it has " + channel.size() + " bytes, " + (channel.size() - total) + " more than the " + total
                                + " expected");
            }
        }
        return VolumeFiles.exact(slices);
    }

    private VolumeException different(
            List<VolumeEntry> expected, VolumeEntry entry, long position, byte[] header, byte[] found) {
        String where = " at byte " + position + ", file " + (expected.indexOf(entry) + 1) + " of " + expected.size();
        if (found.length < header.length) {
            return problem(Kind.TRUNCATED, "it ends" + where + ", where " + entry.name() + " should begin");
        }
        Optional<TarFound> other = TarFound.parse(Arrays.copyOf(found, TarHeader.BLOCK_BYTES));
        boolean elsewhere = expected.stream().anyMatch(one -> Arrays.equals(one.header(), found));
        String what = other.map(TarFound::name).orElse("what is no header");
        if (elsewhere) {
            return problem(Kind.REORDERED, "expected " + entry.name() + where + ", found " + what);
        }
        int at = Arrays.mismatch(header, found);
        return problem(
                Kind.ALTERED,
                "the header of " + entry.name() + where + " differs from byte " + (position + at) + " on"
                        + (what.equals(entry.name()) ? "" : "; there is " + what));
    }

    private void compareConstant(FileChannel channel, VolumeEntry entry, long position) throws IOException {
        if (entry.content() instanceof VolumeEntry.Content.Constant constant) {
            byte[] found = TarFound.bytes(channel, position, constant.bytes().length);
            int at = Arrays.mismatch(constant.bytes(), found);
            if (at >= 0) {
                throw problem(
                        found.length <= at ? Kind.TRUNCATED : Kind.ALTERED,
                        entry.name() + " differs from byte " + (position + at) + " of the tar on");
            }
        }
    }

    private void compareZero(FileChannel channel, long position, int bytes, String what) throws IOException {
        byte[] found = TarFound.bytes(channel, position, bytes);
        for (int i = 0; i < found.length; i++) {
            if (found[i] != 0) {
                throw problem(Kind.ALTERED, what + " is not zero at byte " + (position + i));
            }
        }
        if (found.length < bytes) {
            throw problem(
                    Kind.TRUNCATED,
                    "it ends after " + channel.size() + " bytes, before the end of " + what + " at byte "
                            + (position + bytes));
        }
    }

    private VolumeException problem(Kind kind, String what) {
        return new VolumeException(VolumeProblem.of(kind, path, what));
    }
}
