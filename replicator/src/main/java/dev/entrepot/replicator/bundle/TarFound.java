package dev.entrepot.replicator.bundle;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Optional;

/**
 * A header that is readable as one: its checksum is right. Whatever else it may say is compared later, or is only named
 * in a message.
 *
 * @param name the name of the file
 * @param bytes the size that it states
 */
record TarFound(String name, long bytes) {
    private static final int NAME_BYTES = 100;
    private static final int SIZE_OFFSET = 124;
    private static final int SIZE_DIGITS = 11;
    private static final int SUM_OFFSET = 148;
    private static final int SUM_BYTES = 8;
    private static final int SUM_DIGITS = 6;
    private static final int SMALL_BYTES = 64 * 1024;

    /** The header at a position, if there is one. */
    static Optional<TarFound> read(FileChannel channel, long position) throws IOException {
        byte[] block = bytes(channel, position, TarHeader.BLOCK_BYTES);
        return block.length < TarHeader.BLOCK_BYTES ? Optional.empty() : parse(block);
    }

    /**
     * So many bytes of a file, or those that it has. What is expected may be long and the file short, so that no more
     * memory is taken than it has bytes, or than is small.
     */
    static byte[] bytes(FileChannel channel, long position, int bytes) throws IOException {
        int most =
                bytes <= SMALL_BYTES ? bytes : (int) Math.max(SMALL_BYTES, Math.min(bytes, channel.size() - position));
        ByteBuffer buffer = ByteBuffer.allocate(most);
        while (buffer.hasRemaining() && channel.read(buffer, position + buffer.position()) >= 0) {}
        return buffer.hasRemaining() ? Arrays.copyOf(buffer.array(), buffer.position()) : buffer.array();
    }

    /** The header that a block is, if it is one. */
    static Optional<TarFound> parse(byte[] block) {
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
        return readable ? Optional.of(new TarFound(name, Long.parseLong(size, 8))) : Optional.empty();
    }

    private static int sum(byte[] block) {
        int sum = 0;
        for (int i = 0; i < TarHeader.BLOCK_BYTES; i++) {
            sum += i >= SUM_OFFSET && i < SUM_OFFSET + SUM_BYTES ? ' ' : block[i] & 0xff;
        }
        return sum;
    }

    private static int stated(byte[] block) {
        int value = 0;
        for (int i = SUM_OFFSET; i < SUM_OFFSET + SUM_DIGITS; i++) {
            value = value * 8 + (block[i] - '0');
        }
        return value;
    }
}
