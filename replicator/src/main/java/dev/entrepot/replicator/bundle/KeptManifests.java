package dev.entrepot.replicator.bundle;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.OciLimits;
import dev.entrepot.replicator.WholeFile;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * The manifests of one bundle whose volumes come one at a time, until all of it has arrived. What is read is verified,
 * so that what a crash left behind counts as not there.
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

    // What a crash left behind, or a disk has lost, is written again.
    private void keep(BundledManifest manifest, ManifestBytes bytes) throws IOException {
        if (!has(manifest)) {
            WholeFile.write(file(manifest.digest()), bytes.array());
        }
    }

    /** Keeps all manifests of the volumes that were given; when this returns they survive a power cut. */
    void keepAll(Bundle bundle) throws IOException {
        Files.createDirectories(folder);
        for (BundledManifest manifest : bundle.inventory().manifests().values()) {
            Optional<ManifestBytes> bytes = bundle.read(manifest);
            if (bytes.isPresent()) {
                keep(manifest, bytes.get());
            }
        }
    }
}
