package dev.entrepot.replicator.bundle;

import dev.entrepot.oci.Digest;

/**
 * A file of a volume.
 *
 * @param name its name relative to the volume, with slashes; made of digests and constants only
 * @param sizeBytes its size
 * @param content where its bytes are from
 */
public record VolumeEntry(String name, long sizeBytes, Content content) {
    /** Where the bytes of a file are from. */
    public sealed interface Content {
        /**
         * A function of the inventory.
         *
         * @param bytes the bytes; not to be changed
         */
        @SuppressWarnings("ArrayRecordComponent")
        record Constant(byte[] bytes) implements Content {}

        /**
         * A manifest.
         *
         * @param digest of the bytes
         */
        record Manifest(Digest digest) implements Content {}

        /**
         * A whole blob.
         *
         * @param digest of the bytes
         */
        record Blob(Digest digest) implements Content {}

        /**
         * A part of a blob.
         *
         * @param blob digest of the whole blob
         * @param number number of the part, from 1
         * @param offset offset of the part in the blob, in bytes
         * @param digest of the part
         */
        record Part(Digest blob, int number, long offset, Digest digest) implements Content {}

        /**
         * A fallback index: {@link Inventory#fallbackIndex}.
         *
         * @param subject the manifest whose referrers it lists
         * @param digest of the bytes
         */
        record Fallback(Digest subject, Digest digest) implements Content {}
    }

    /** The blocks before its content in a tar; they are all that says what it is there. */
    public byte[] header() {
        return TarHeader.of(name, sizeBytes);
    }

    /** How many zero bytes follow the content in a tar. */
    public int paddingBytes() {
        return (int) (TarHeader.padded(sizeBytes) - sizeBytes);
    }

    /** How many bytes it takes in a tar: header, content and padding. */
    public long tarBytes() {
        return header().length + TarHeader.padded(sizeBytes);
    }
}
