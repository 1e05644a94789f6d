package dev.entrepot.proxy.replication;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Tag;
import java.util.Optional;

/** What the command to copy one image copies, or where to: an image of a registry, or one in a layout. */
sealed interface CopyName permits ImageName, LayoutName {
    /** The tag, where one is written. */
    Optional<Tag> tag();

    /** The digest, where one is written; it wins over the tag. */
    Optional<Digest> digest();

    /**
     * Parses a name.
     *
     * @throws BadRequestException if it is none
     */
    static CopyName parse(String text) throws BadRequestException {
        return LayoutName.is(text) ? LayoutName.parse(text) : ImageName.parse(text);
    }
}
