package dev.entrepot.replicator;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.journal.Leftover;
import java.io.IOException;
import java.util.Optional;

/** What the source says of something left over; first of all what speaks against taking it for withdrawn. */
interface Withdrawals {
    /** What is asked of one manifest that is left over. */
    sealed interface Question {}

    /** Whether the source still has it as a referrer of a manifest that stays. */
    record OfReferrer(Leftover referrer, Digest subject) implements Question {}

    /** Whether the source still has the cosign tag that names it. */
    record OfTag(Leftover named, Tag tag) implements Question {}

    /**
     * Why it must not be taken for withdrawn; empty if it is.
     *
     * @throws IOException if that could not be found out for a reason that is not the source's
     */
    Optional<String> against(Question question) throws IOException;

    /**
     * What a manifest names by what the source has under its digest, if it has it and it is worth asking.
     *
     * @throws IOException if that could not be found out for a reason that is not the source's
     */
    default Optional<ManifestEdges> edges(Leftover leftover) throws IOException {
        return Optional.empty();
    }
}
