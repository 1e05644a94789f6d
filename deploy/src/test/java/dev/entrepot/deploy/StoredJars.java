package dev.entrepot.deploy;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Collections;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;

/**
 * Writes the jars of a folder anew, with the same entries in the same order, but none of them compressed: what is
 * packed as a whole afterwards becomes smaller so than what was packed class by class.
 *
 * <p>Usage: {@code StoredJars FOLDER}
 */
final class StoredJars {
    private StoredJars() {}

    /** Does it. */
    public static void main(String[] arguments) throws IOException {
        List<Path> jars;
        try (Stream<Path> files = Files.list(Path.of(arguments[0]))) {
            jars = files.filter(file -> file.toString().endsWith(".jar"))
                    .sorted()
                    .toList();
        }
        for (Path jar : jars) {
            Path aside = jar.resolveSibling(jar.getFileName() + ".stored");
            try (ZipFile from = new ZipFile(jar.toFile());
                    OutputStream out = Files.newOutputStream(aside);
                    ZipOutputStream to = new ZipOutputStream(out)) {
                for (ZipEntry entry : Collections.list(from.entries())) {
                    copy(from, entry, to);
                }
            }
            Files.move(aside, jar, StandardCopyOption.REPLACE_EXISTING);
        }
    }

    private static void copy(ZipFile from, ZipEntry entry, ZipOutputStream to) throws IOException {
        byte[] bytes;
        try (InputStream in = from.getInputStream(entry)) {
            bytes = in.readAllBytes();
        }
        CRC32 crc = new CRC32();
        crc.update(bytes);
        ZipEntry stored = new ZipEntry(entry.getName());
        stored.setMethod(ZipEntry.STORED);
        stored.setSize(bytes.length);
        stored.setCompressedSize(bytes.length);
        stored.setCrc(crc.getValue());
        stored.setTimeLocal(entry.getTimeLocal());
        to.putNextEntry(stored);
        to.write(bytes);
        to.closeEntry();
    }
}
