package dev.entrepot.oci;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Reads files that hold a password or a token: UTF-8, without a byte order mark at the start and without one line break
 * (LF or CRLF) at the end, which editors put there. All else counts, blanks too.
 */
public final class SecretFile {
    private static final String BYTE_ORDER_MARK = "\uFEFF";

    private SecretFile() {}

    /**
     * The secret in a file.
     *
     * @param maxBytes the largest file that is read
     * @throws IOException if it cannot be read, is larger, or is not UTF-8; names the file and shows nothing of it
     */
    public static String read(Path file, int maxBytes) throws IOException {
        try (InputStream in = Files.newInputStream(file)) {
            byte[] bytes = in.readNBytes(maxBytes + 1);
            if (bytes.length > maxBytes) {
                throw new IOException(file + " is larger than " + maxBytes + " bytes");
            }
            return text(bytes);
        } catch (CharacterCodingException e) {
            throw new IOException(file + " is not UTF-8");
        }
    }

    /**
     * The secret in the content of a file.
     *
     * @throws CharacterCodingException if it is not UTF-8
     */
    public static String text(byte[] content) throws CharacterCodingException {
        String text = StandardCharsets.UTF_8
                .newDecoder()
                .decode(ByteBuffer.wrap(content))
                .toString();
        int from = text.startsWith(BYTE_ORDER_MARK) ? 1 : 0;
        int to = text.length();
        if (to > from && text.charAt(to - 1) == '\n') {
            to--;
            to -= to > from && text.charAt(to - 1) == '\r' ? 1 : 0;
        }
        return text.substring(from, to);
    }
}
