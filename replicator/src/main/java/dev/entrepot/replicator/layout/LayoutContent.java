package dev.entrepot.replicator.layout;

import dev.entrepot.oci.Digest;
import java.io.IOException;
import java.io.InputStream;
import java.util.OptionalLong;

/** The files of an image layout, for reading. Implementations are safe for all threads. */
interface LayoutContent {
    /** Where it is, for messages. */
    String place();

    /** The size of the content with this digest in bytes, if it is there. */
    OptionalLong size(Digest digest) throws IOException;

    /**
     * The content with this digest, from an offset on. The caller closes the stream.
     *
     * @throws IOException if it is not there or cannot be read
     */
    InputStream open(Digest digest, long offset) throws IOException;

    /** What the layout names; empty if there is no layout yet. */
    LayoutIndex index() throws IOException;
}
