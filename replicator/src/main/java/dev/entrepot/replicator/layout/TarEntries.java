package dev.entrepot.replicator.layout;

import dev.entrepot.oci.InvalidContentException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Reads which files are in a tar and where (POSIX.1-2017, pax, "ustar Interchange Format" and "pax Header Block"; GNU's
 * long names and large sizes). Content is passed over. What may come from anywhere is bounded: the library that writes
 * our tars would read a name of some gigabytes into memory. Links, special and sparse files are left out, since the
 * specification of layouts has none. For one use.
 */
final class TarEntries implements AutoCloseable {
    private static final int BLOCK_BYTES = 512;
    private static final int MAX_ENTRIES = 1_000_000;
    // Names in a layout have a hundred bytes; other tools note owners, times and labels beside them.
    private static final int MAX_RECORDS_BYTES = 1 << 20;
    private static final int MAX_NAME_CHARS = 4096;
    private static final int MAX_NAMES_CHARS = 128 << 20;
    private static final int BASE_256 = 0x80;

    private final Path file;
    private final FileChannel channel;
    private final Map<String, LayoutTar.Slice> entries = new HashMap<>();
    private final Records global = new Records();
    private Records next = new Records();
    private int headers;
    private int namesChars;

    /** What is used of the records that describe an entry. */
    private static final class Records {
        private Optional<String> path = Optional.empty();
        private Optional<String> size = Optional.empty();
        private boolean sparse;

        void put(String key, String value) {
            switch (key) {
                case "path" -> path = Optional.of(value);
                case "size" -> size = Optional.of(value);
                default -> sparse |= key.startsWith("GNU.sparse.");
            }
        }
    }

    private TarEntries(Path file) throws IOException {
        this.file = file;
        this.channel = FileChannel.open(file, StandardOpenOption.READ);
    }

    /**
     * The files of a tar by their names, without a leading {@code ./}; of equal names the last.
     *
     * @throws InvalidContentException if it is no tar, is damaged, or has more than is read
     */
    static Map<String, LayoutTar.Slice> of(Path file) throws IOException {
        try (TarEntries reader = new TarEntries(file)) {
            reader.read();
            return reader.entries;
        }
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }

    private void read() throws IOException {
        long position = 0;
        Optional<byte[]> header = header(position);
        while (header.isPresent()) {
            if (++headers > MAX_ENTRIES) {
                throw invalid("it has more than " + MAX_ENTRIES + " entries", position);
            }
            position = take(header.get(), position);
            header = header(position);
        }
    }

    // A tar ends with blocks of zeros; one that ends without them has been cut off between two files, and what is
    // missing then is found missing.
    private Optional<byte[]> header(long position) throws IOException {
        byte[] block = bytes(position, BLOCK_BYTES);
        if (block.length == 0 && position > 0 || Arrays.equals(block, new byte[BLOCK_BYTES])) {
            return Optional.empty();
        }
        if (block.length < BLOCK_BYTES || !isSummed(block)) {
            throw invalid("expected the header of an entry", position);
        }
        return Optional.of(block);
    }

    private long take(byte[] header, long position) throws IOException {
        long content = position + BLOCK_BYTES;
        long stated = number(header, 124, 12, position);
        switch (header[156]) {
            case 'L' -> next.path = Optional.of(text(records(content, stated, position)));
            case 'K' -> records(content, stated, position);
            case 'x', 'X' -> parse(records(content, stated, position), next, position);
            case 'g' -> parse(records(content, stated, position), global, position);
            default -> {
                long size = size(position).orElse(stated);
                long begin = content + sparseHeaders(header, content);
                if (size < 0 || size > channel.size() - begin) {
                    throw invalid("an entry of " + size + " bytes ends behind the end of the file", position);
                }
                if ((header[156] == '0' || header[156] == 0) && !next.sparse) {
                    put(next.path.orElseGet(() -> name(header)), new LayoutTar.Slice(begin, size), position);
                }
                next = new Records();
                return begin + padded(size);
            }
        }
        return content + padded(stated);
    }

    // GNU's sparse files may have further headers of their own, each of which says whether another follows.
    private long sparseHeaders(byte[] header, long content) throws IOException {
        long bytes = 0;
        boolean more = header[156] == 'S' && header[482] != 0;
        while (more) {
            byte[] block = bytes(content + bytes, BLOCK_BYTES);
            bytes += BLOCK_BYTES;
            more = block.length == BLOCK_BYTES && block[504] != 0;
        }
        return bytes;
    }

    private void put(String path, LayoutTar.Slice slice, long position) throws InvalidContentException {
        String name = path.startsWith("./") ? path.substring(2) : path;
        namesChars += name.length();
        if (name.length() > MAX_NAME_CHARS || namesChars > MAX_NAMES_CHARS) {
            throw invalid("names are longer than is read", position);
        }
        entries.put(name, slice);
    }

    private OptionalLong size(long position) throws InvalidContentException {
        Optional<String> text = next.size.or(() -> global.size);
        try {
            return text.isEmpty() ? OptionalLong.empty() : OptionalLong.of(Long.parseLong(text.get()));
        } catch (NumberFormatException e) {
            throw invalid("a number of its header is not readable", position);
        }
    }

    private byte[] records(long content, long size, long position) throws IOException {
        if (size > MAX_RECORDS_BYTES) {
            throw invalid(
                    "what describes an entry has " + size + " bytes; at most " + MAX_RECORDS_BYTES + " are read",
                    position);
        }
        byte[] bytes = bytes(content, (int) size);
        if (bytes.length < size) {
            throw invalid("it ends within what describes an entry", position);
        }
        return bytes;
    }

    // "length key=value\n", where the length counts itself.
    private void parse(byte[] records, Records into, long position) throws InvalidContentException {
        int at = 0;
        while (at < records.length && records[at] != 0) {
            int space = indexOf(records, ' ', at, records.length);
            int length = space < 0 ? -1 : length(records, at, space);
            int end = at + length;
            int equals = length < 0 || end > records.length ? -1 : indexOf(records, '=', space, end);
            if (equals < 0 || records[end - 1] != '\n') {
                throw invalid("what describes an entry is not readable", position);
            }
            String key = new String(records, space + 1, equals - space - 1, StandardCharsets.UTF_8);
            into.put(key, new String(records, equals + 1, end - equals - 2, StandardCharsets.UTF_8));
            at = end;
        }
    }

    private static int indexOf(byte[] bytes, char wanted, int from, int to) {
        for (int i = from; i < to; i++) {
            if (bytes[i] == wanted) {
                return i;
            }
        }
        return -1;
    }

    private static int length(byte[] records, int from, int to) {
        int value = 0;
        for (int i = from; i < to; i++) {
            int digit = records[i] - '0';
            if (digit < 0 || digit > 9 || value > MAX_RECORDS_BYTES) {
                return -1;
            }
            value = value * 10 + digit;
        }
        // It has at least itself, the space, a key of no length, the sign and the end.
        return value < to - from + 3 ? -1 : value;
    }

    private static String name(byte[] header) {
        String name = text(Arrays.copyOfRange(header, 0, 100));
        boolean posix = text(Arrays.copyOfRange(header, 257, 263)).equals("ustar") && header[262] == 0;
        String prefix = posix ? text(Arrays.copyOfRange(header, 345, 500)) : "";
        return prefix.isEmpty() ? name : prefix + "/" + name;
    }

    private static String text(byte[] bytes) {
        int end = 0;
        while (end < bytes.length && bytes[end] != 0) {
            end++;
        }
        return new String(bytes, 0, end, StandardCharsets.UTF_8);
    }

    // Octal digits between blanks and zeros; or, where the first bit is set, a large binary number.
    private long number(byte[] header, int offset, int length, long position) throws InvalidContentException {
        if ((header[offset] & BASE_256) != 0) {
            long value = header[offset] & 0x3f;
            for (int i = 1; i < length; i++) {
                if (value >>> 55 != 0) {
                    throw invalid("an entry has an impossible size", position);
                }
                value = value << 8 | header[offset + i] & 0xff;
            }
            return value;
        }
        String digits =
                text(Arrays.copyOfRange(header, offset, offset + length)).strip();
        try {
            return digits.isEmpty() ? 0 : Long.parseUnsignedLong(digits, 8);
        } catch (NumberFormatException e) {
            throw invalid("a number of its header is not readable", position);
        }
    }

    private static boolean isSummed(byte[] header) {
        String stated = text(Arrays.copyOfRange(header, 148, 156)).strip();
        int sum = 0;
        for (int i = 0; i < BLOCK_BYTES; i++) {
            sum += i >= 148 && i < 156 ? ' ' : header[i] & 0xff;
        }
        try {
            return Integer.parseInt(stated, 8) == sum;
        } catch (NumberFormatException e) {
            return false;
        }
    }

    private static long padded(long bytes) {
        return Math.ceilDiv(bytes, BLOCK_BYTES) * BLOCK_BYTES;
    }

    private byte[] bytes(long position, int bytes) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(bytes);
        while (buffer.hasRemaining() && channel.read(buffer, position + buffer.position()) >= 0) {}
        return buffer.hasRemaining() ? Arrays.copyOf(buffer.array(), buffer.position()) : buffer.array();
    }

    private InvalidContentException invalid(String what, long position) {
        return new InvalidContentException(file + " is not a tar that can be read: at byte " + position + ", " + what);
    }
}
