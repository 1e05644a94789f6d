package dev.entrepot.replicator.bundle;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.OciLimits;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The manifests of one bundle whose volumes come one at a time, until all of it has arrived. What is read is verified, so that what a crash left behind counts as not there.
 *
 * @param folder the folder of the bundle
 */
record KeptManifests(Path folder) {
    private Path file(Digest digest) {
        return folder.resolve(digest.algorithm() + "-" + digest.encoded());
    }

    /** Whether a manifest is kept. */
    boolean has(BundledManifest manifest) throws IOException {
        return read(manifest).isPresent();
    }

    /** A kept manifest. */
    Optional<ManifestBytes> read(BundledManifest manifest) throws IOException {
        try (InputStream in = Files.newInputStream(file(manifest.digest()))) {
            byte[] bytes = in.readNBytes(OciLimits.MAX_MANIFEST_BYTES + 1);
            return Optional.of(ManifestBytes.verified(manifest.descriptor().mediaType(), manifest.digest(), bytes));
        } catch (NoSuchFileException | InvalidContentException e) {
            return Optional.empty();
        }
    }

    /** Keeps a manifest; when this returns it survives a power cut. */
    void keep(ManifestBytes manifest) throws IOException {
        Path file = file(manifest.digest());
        if (Files.exists(file)) {
            return;
        }
        Path aside = file.resolveSibling(file.getFileName() + ".incoming");
        try (FileChannel channel = FileChannel.open(
                aside, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE)) {
            ByteBuffer bytes = ByteBuffer.wrap(manifest.array());
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
            channel.force(true);
        }
        Files.move(aside, file, StandardCopyOption.ATOMIC_MOVE);
    }

    /** Keeps all manifests of the volumes that were given. */
    void keepAll(Bundle bundle) throws IOException {
        Files.createDirectories(folder);
        for (BundledManifest manifest : bundle.inventory().manifests().values()) {
            Optional<ManifestBytes> bytes = bundle.read(manifest);
            if (bytes.isPresent()) {
                keep(bytes.get());
            }
        }
        try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    /** Forgets all of them. */
    void delete() throws IOException {
        if (!Files.isDirectory(folder)) {
            return;
        }
        List<Path> files;
        try (Stream<Path> list = Files.list(folder)) {
            files = list.toList();
        }
        for (Path file : files) {
            Files.deleteIfExists(file);
        }
        Files.deleteIfExists(folder);
    }
}
