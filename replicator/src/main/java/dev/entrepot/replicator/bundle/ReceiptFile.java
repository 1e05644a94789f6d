package dev.entrepot.replicator.bundle;

import dev.entrepot.replicator.WholeFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** A receipt on disk, with its signature beside it. */
public final class ReceiptFile {
    private ReceiptFile() {}

    /** Where the signature of a receipt is. */
    public static Path signature(Path file) {
        return file.resolveSibling(file.getFileName() + ".sig");
    }

    /**
     * Makes sure that a receipt can be written, before there is one.
     *
     * @throws IOException if it cannot; the message names the file
     */
    public static void prepare(Path file) throws IOException {
        if (Files.isDirectory(file)) {
            throw new IOException("the receipt cannot be written to " + file + ": that is a folder; name a file");
        }
        try {
            Path folder = file.toAbsolutePath().getParent();
            if (folder != null) {
                Files.createDirectories(folder);
            }
            Path aside = aside(file);
            try {
                Files.write(aside, new byte[4096]);
            } finally {
                Files.deleteIfExists(aside);
            }
        } catch (IOException e) {
            throw unwritable(file, e);
        }
    }

    private static IOException unwritable(Path file, IOException e) {
        return new IOException("the receipt cannot be written to " + file + ": " + e, e);
    }

    private static Path aside(Path file) {
        return file.resolveSibling("." + file.getFileName() + ".incoming");
    }

    /**
     * Writes a receipt, so that the old one or the new one is there; a signature that is not of it is found by whoever
     * reads it.
     *
     * @param key signs it; without, no signature is left beside it
     * @throws IOException if it cannot be written; the message names the file
     */
    public static void write(Receipt receipt, Path file, Optional<BundleKey> key) throws IOException {
        byte[] document = ReceiptJson.write(receipt);
        try {
            write(document, file, key);
        } catch (BundleException e) {
            throw e;
        } catch (IOException e) {
            throw unwritable(file, e);
        }
    }

    private static void write(byte[] document, Path file, Optional<BundleKey> key) throws IOException {
        Path folder = file.toAbsolutePath().getParent();
        if (folder != null) {
            Files.createDirectories(folder);
        }
        if (key.isPresent()) {
            WholeFile.write(signature(file), key.get().sign(document));
        } else {
            Files.deleteIfExists(signature(file));
        }
        WholeFile.write(file, document);
    }
}
