package dev.entrepot.replicator.bundle;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * The blocks before the content of a file in a tar (POSIX.1-2017, pax, "ustar Interchange Format"), with nothing in
 * them but name and size. What does not fit there, a name over 100 bytes or a size of 8 GiB and more, is in an extended
 * header (pax) before it.
 */
final class TarHeader {
    /** The size that everything in a tar is a multiple of. */
    static final int BLOCK_BYTES = 512;

    private static final int NAME_BYTES = 100;
    private static final long LARGEST = 077777777777L;
    private static final String EXTENDED = "././@PaxHeader";

    private TarHeader() {}

    /** The header of a file. */
    static byte[] of(String name, long sizeBytes) {
        boolean longName = name.length() > NAME_BYTES;
        boolean large = sizeBytes > LARGEST;
        byte[] block = block(longName ? name.substring(0, NAME_BYTES) : name, large ? 0 : sizeBytes, (byte) '0');
        if (!longName && !large) {
            return block;
        }
        String records =
                (longName ? record("path", name) : "") + (large ? record("size", Long.toString(sizeBytes)) : "");
        byte[] extended = block(EXTENDED, records.length(), (byte) 'x');
        int padded = (int) padded(records.length());
        byte[] all = Arrays.copyOf(extended, BLOCK_BYTES + padded + BLOCK_BYTES);
        put(all, BLOCK_BYTES, records);
        System.arraycopy(block, 0, all, BLOCK_BYTES + padded, BLOCK_BYTES);
        return all;
    }

    /** The next multiple of the block size. */
    static long padded(long bytes) {
        return Math.ceilDiv(bytes, BLOCK_BYTES) * BLOCK_BYTES;
    }

    // "length key=value\n", where the length counts itself.
    private static String record(String key, String value) {
        int rest = 1 + key.length() + 1 + value.length() + 1;
        int length = rest + Integer.toString(rest).length();
        length = rest + Integer.toString(length).length();
        return length + " " + key + "=" + value + "\n";
    }

    private static byte[] block(String name, long sizeBytes, byte type) {
        byte[] block = new byte[BLOCK_BYTES];
        put(block, 0, name);
        put(block, 100, "0000644\0" + "0000000\0" + "0000000\0");
        put(block, 124, octal(sizeBytes) + "\0" + octal(0) + "\0");
        put(block, 148, "        ");
        block[156] = type;
        put(block, 257, "ustar\0" + "00");
        put(block, 329, "0000000\0" + "0000000\0");
        int sum = 0;
        for (byte b : block) {
            sum += b & 0xff;
        }
        put(block, 148, octal(sum).substring(5) + "\0 ");
        return block;
    }

    private static String octal(long value) {
        String digits = Long.toOctalString(value);
        return "0".repeat(11 - digits.length()) + digits;
    }

    private static void put(byte[] block, int offset, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
        System.arraycopy(bytes, 0, block, offset, bytes.length);
    }
}
