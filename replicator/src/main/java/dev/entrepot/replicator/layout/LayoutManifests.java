package dev.entrepot.replicator.layout;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.OciLimits;
import java.io.IOException;
import java.io.InputStream;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Predicate;

/**
 * What a layout has by digest: in a folder, and where there is one in the tar below it. It knows no index, so that who
 * reads manifests never comes to read that once more. Not safe for several threads; the store has a lock.
 */
final class LayoutManifests {
    private final String place;
    private final LayoutFolder folder;
    private final Predicate<Digest> hidden;
    private Optional<LayoutTar> base;

    /**
     * In these files.
     *
     * @param place where it is, for messages
     * @param base the tar below the folder
     * @param hidden what counts as gone although its file may be there
     */
    LayoutManifests(String place, LayoutFolder folder, Optional<LayoutTar> base, Predicate<Digest> hidden) {
        this.place = place;
        this.folder = folder;
        this.base = base;
        this.hidden = hidden;
    }

    String place() {
        return place;
    }

    Optional<LayoutTar> base() {
        return base;
    }

    /** Goes on from another tar. */
    void rebase(Optional<LayoutTar> packed) {
        base = packed;
    }

    /** The files that have a digest, or would. */
    LayoutContent content(Digest digest) throws IOException {
        return base.isEmpty() || folder.size(digest).isPresent() ? folder : base.get();
    }

    /** The size of what is there under a digest, in bytes. */
    OptionalLong size(Digest digest) throws IOException {
        return hidden.test(digest) ? OptionalLong.empty() : content(digest).size(digest);
    }

    /**
     * What is there under a digest, if it can be a manifest.
     *
     * @throws InvalidContentException if it is not what its name says
     */
    Optional<ManifestBytes> find(Digest digest) throws IOException {
        return hidden.test(digest) ? Optional.empty() : onDisk(digest);
    }

    /** As above, also of what counts as gone. */
    Optional<ManifestBytes> onDisk(Digest digest) throws IOException {
        LayoutContent content = content(digest);
        OptionalLong size = content.size(digest);
        return size.isEmpty() || size.getAsLong() > OciLimits.MAX_MANIFEST_BYTES
                ? Optional.empty()
                : Optional.of(read(digest, content));
    }

    /**
     * A manifest.
     *
     * @throws NotFoundException if it is not there
     * @throws InvalidContentException if it is longer than a manifest may be, or is not what its name says
     */
    ManifestBytes read(Digest digest) throws IOException {
        OptionalLong size = size(digest);
        if (size.isEmpty()) {
            throw new NotFoundException(NotFoundException.Kind.MANIFEST, place + " has no manifest " + digest);
        }
        if (size.getAsLong() > OciLimits.MAX_MANIFEST_BYTES) {
            throw new InvalidContentException(place + ": " + digest + " exceeds the size of a manifest");
        }
        return read(digest, content(digest));
    }

    private static ManifestBytes read(Digest digest, LayoutContent content) throws IOException {
        try (InputStream in = content.open(digest, 0)) {
            byte[] bytes = in.readNBytes(OciLimits.MAX_MANIFEST_BYTES);
            return ManifestBytes.verified(LayoutFormat.mediaType(bytes), digest, bytes);
        }
    }
}
