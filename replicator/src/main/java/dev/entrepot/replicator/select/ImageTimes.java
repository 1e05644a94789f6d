package dev.entrepot.replicator.select;

import dev.entrepot.oci.Tag;
import java.io.IOException;
import java.time.Instant;
import java.util.Optional;

/** Tells when the image behind a tag was created. */
@FunctionalInterface
public interface ImageTimes {
    /**
     * The time of creation that the image states, or empty if it states none, is gone, or is not passed on.
     *
     * @throws IOException if it is not known whether there is one
     */
    Optional<Instant> created(Tag tag) throws IOException;
}
