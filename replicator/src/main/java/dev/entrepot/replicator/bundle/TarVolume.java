package dev.entrepot.replicator.bundle;

import dev.entrepot.replicator.bundle.VolumeProblem.Kind;
import dev.entrepot.replicator.layout.LayoutFormat;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * A volume in a tar. Its headers are compared with those that are expected, byte for byte; only to find the inventory of a volume of which nothing is known yet are name and size read
 * from them, of at most five.
 *
 * @param path the tar
 */
record TarVolume(Path path) implements VolumeReader {
    private static final int NAME_BYTES = 100;
    private static final int SIZE_OFFSET = 124;
    private static final int SIZE_DIGITS = 11;
    // No index.json is longer: it names what the inventory names.
    private static final long INDEX_BYTES = 4L * BundleLimits.DOCUMENT_BYTES;

    @Override
    public VolumeClaims head() throws IOException {
        try (FileChannel channel = open()) {
            Cursor cursor = new Cursor(channel);
            cursor.take(LayoutFormat.MARKER, VolumeClaims.SMALL_BYTES);
            cursor.skip(LayoutFormat.INDEX, INDEX_BYTES);
            byte[] stated = cursor.take(VolumePlan.VOLUME, VolumeClaims.SMALL_BYTES);
            byte[] document = cursor.take(VolumePlan.INVENTORY, BundleLimits.DOCUMENT_BYTES);
            Optional<byte[]> signature = cursor.isAt(VolumePlan.SIGNATURE)
                    ? Optional.of(cursor.take(VolumePlan.SIGNATURE, BundleLimits.SIGNATURE_BYTES))
                    : Optional.empty();
            return VolumeClaims.of(stated, document, signature);
        }
    }

    private FileChannel open() throws IOException {
        return FileChannel.open(path, StandardOpenOption.READ);
    }

    private static byte[] read(FileChannel channel, long position, int bytes) throws IOException {
        // Never more than is there: what is expected may be long, and the file short.
        ByteBuffer buffer = ByteBuffer.allocate((int) Math.max(0, Math.min(bytes, channel.size() - position)));
        while (buffer.hasRemaining() && channel.read(buffer, position + buffer.position()) >= 0) {}
        return buffer.hasRemaining() ? Arrays.copyOf(buffer.array(), buffer.position()) : buffer.array();
    }

    /** Reads the files at the beginning of a tar, one behind the other. */
    private final class Cursor {
        private final FileChannel channel;
        private long position;

        Cursor(FileChannel channel) {
            this.channel = channel;
        }

        boolean isAt(String name) throws IOException {
            return Found.read(channel, position)
                    .filter(found -> found.name().equals(name))
                    .isPresent();
        }

        byte[] take(String name, int most) throws IOException {
            Found found = find(name, most);
            byte[] content = read(channel, position + TarHeader.BLOCK_BYTES, (int) found.bytes());
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

        private Found find(String name, long most) throws IOException {
            Optional<Found> found = Found.read(channel, position);
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

    /** A header that is readable as one: its checksum is right. */
    private record Found(String name, long bytes) {
        static Optional<Found> read(FileChannel channel, long position) throws IOException {
            byte[] block = TarVolume.read(channel, position, TarHeader.BLOCK_BYTES);
            return block.length < TarHeader.BLOCK_BYTES ? Optional.empty() : parse(block);
        }

        // Whatever else a header may say, it is compared later, or it is only named in a message.
        static Optional<Found> parse(byte[] block) {
            String size = new String(block, SIZE_OFFSET, SIZE_DIGITS, StandardCharsets.ISO_8859_1);
            int end = 0;
            while (end < NAME_BYTES && block[end] != 0) {
                end++;
            }
            String name = new String(block, 0, end, StandardCharsets.ISO_8859_1);
            boolean readable = size.chars().allMatch(c -> c >= '0' && c <= '7')
                    && !name.isEmpty()
                    && name.chars().allMatch(c -> c > ' ' && c < 127)
                    && sum(block) == stated(block);
            return readable ? Optional.of(new Found(name, Long.parseLong(size, 8))) : Optional.empty();
        }

        private static int sum(byte[] block) {
            int sum = 0;
            for (int i = 0; i < TarHeader.BLOCK_BYTES; i++) {
                sum += i >= 148 && i < 156 ? ' ' : block[i] & 0xff;
            }
            return sum;
        }

        private static int stated(byte[] block) {
            int value = 0;
            for (int i = 148; i < 154; i++) {
                value = value * 8 + (block[i] - '0');
            }
            return value;
        }
    }

    @Override
    public int matches(List<VolumeEntry> expected) throws IOException {
        int matches = 0;
        try (FileChannel channel = open()) {
            long position = 0;
            for (VolumeEntry entry : expected) {
                byte[] header = entry.header();
                boolean constant = entry.content() instanceof VolumeEntry.Content.Constant;
                if (!constant && Arrays.equals(header, read(channel, position, header.length))) {
                    matches++;
                }
                position += entry.tarBytes();
            }
        }
        return matches;
    }

    @Override
    public List<Slice> check(List<VolumeEntry> expected) throws IOException {
        List<Slice> slices = new ArrayList<>(expected.size());
        try (FileChannel channel = open()) {
            long position = 0;
            for (VolumeEntry entry : expected) {
                byte[] header = entry.header();
                byte[] found = read(channel, position, header.length);
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
        return slices;
    }

    private VolumeException different(
            List<VolumeEntry> expected, VolumeEntry entry, long position, byte[] header, byte[] found) {
        String where = " at byte " + position + ", file " + (expected.indexOf(entry) + 1) + " of " + expected.size();
        if (found.length < header.length) {
            return problem(Kind.TRUNCATED, "it ends" + where + ", where " + entry.name() + " should begin");
        }
        Optional<Found> other = Found.parse(Arrays.copyOf(found, TarHeader.BLOCK_BYTES));
        boolean elsewhere = expected.stream().anyMatch(one -> Arrays.equals(one.header(), found));
        String what = other.map(Found::name).orElse("what is no header");
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
            byte[] found = read(channel, position, constant.bytes().length);
            int at = Arrays.mismatch(constant.bytes(), found);
            if (at >= 0) {
                throw problem(
                        found.length <= at ? Kind.TRUNCATED : Kind.ALTERED,
                        entry.name() + " differs from byte " + (position + at) + " of the tar on");
            }
        }
    }

    private void compareZero(FileChannel channel, long position, int bytes, String what) throws IOException {
        byte[] found = read(channel, position, bytes);
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
