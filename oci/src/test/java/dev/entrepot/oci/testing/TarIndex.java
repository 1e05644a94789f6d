package dev.entrepot.oci.testing;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Finds the regular files of a ustar archive, which stay in it. Knows no long names and no sparse files: our archives
 * have none.
 */
final class TarIndex {
    private static final int BLOCK = 512;

    private TarIndex() {}

    /** The files by name, without a leading {@code ./}. */
    static Map<String, Content> read(Path tar) throws IOException {
        Map<String, Content> files = new LinkedHashMap<>();
        try (FileChannel channel = FileChannel.open(tar)) {
            byte[] header = new byte[BLOCK];
            long position = 0;
            while (readFully(channel, header, position) && header[0] != 0) {
                position += BLOCK;
                long size = Long.parseLong(text(header, 124, 12), 8);
                String name = text(header, 0, 100);
                if (header[156] == '0' || header[156] == 0) {
                    String plain = name.startsWith("./") ? name.substring(2) : name;
                    files.put(plain, new FileSlice(tar, position, size));
                }
                position += (size + BLOCK - 1) / BLOCK * BLOCK;
            }
        }
        return files;
    }

    private static boolean readFully(FileChannel channel, byte[] block, long position) throws IOException {
        ByteBuffer buffer = ByteBuffer.wrap(block);
        while (buffer.hasRemaining()) {
            if (channel.read(buffer, position + buffer.position()) < 0) {
                return false;
            }
        }
        return true;
    }

    private static String text(byte[] header, int offset, int length) {
        int end = offset;
        while (end < offset + length && header[end] != 0 && header[end] != ' ') {
            end++;
        }
        return new String(header, offset, end - offset, StandardCharsets.US_ASCII);
    }

    private record FileSlice(Path file, long start, long sizeBytes) implements Content {
        @Override
        public InputStream open(long offset) {
            try {
                FileChannel channel = FileChannel.open(file).position(start + offset);
                return new LimitedInput(Channels.newInputStream(channel), sizeBytes - offset);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
