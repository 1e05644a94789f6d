package dev.entrepot.replicator.bundle;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The sections of a PEM file (RFC 7468), in order.
 *
 * @param file where they are from
 * @param sections each with its label and its bytes
 */
record PemFile(Path file, List<Section> sections) {
    private static final int MAX_BYTES = 1 << 20;
    private static final Pattern SECTION =
            Pattern.compile("-----BEGIN ([A-Z0-9 ]{1,64})-----\\s(.*?)-----END \\1-----", Pattern.DOTALL);

    /**
     * One section.
     *
     * @param label what it is, for example {@code PRIVATE KEY}
     * @param text what is between the lines of its begin and end
     */
    record Section(String label, String text) {}

    /**
     * Reads a file.
     *
     * @param otherwise what to do where there is none
     * @throws BundleException if there is none, it has no section or is longer than 1 MiB
     * @throws IOException if it cannot be read
     */
    static PemFile read(Path file, String otherwise) throws IOException {
        byte[] bytes;
        try (InputStream in = Files.newInputStream(file)) {
            bytes = in.readNBytes(MAX_BYTES + 1);
        } catch (NoSuchFileException e) {
            throw new BundleException("there is no file " + file + "; " + otherwise, e);
        } catch (FileSystemException e) {
            throw e;
        } catch (IOException e) {
            throw new BundleException(file + " cannot be read: " + e.getMessage(), e);
        }
        List<Section> sections = new ArrayList<>();
        if (bytes.length <= MAX_BYTES) {
            Matcher matcher = SECTION.matcher(new String(bytes, StandardCharsets.ISO_8859_1));
            while (matcher.find()) {
                sections.add(new Section(matcher.group(1), matcher.group(2)));
            }
        }
        if (sections.isEmpty()) {
            throw new BundleException(
                    file + " is not a PEM file: it has no section that begins with -----BEGIN and has its end");
        }
        return new PemFile(file, List.copyOf(sections));
    }

    /**
     * The bytes of a section.
     *
     * @throws BundleException if it is not base64
     */
    byte[] bytes(Section section) throws BundleException {
        try {
            return Base64.getMimeDecoder().decode(section.text());
        } catch (IllegalArgumentException e) {
            throw new BundleException(file + ": the section " + section.label() + " is not base64", e);
        }
    }
}
