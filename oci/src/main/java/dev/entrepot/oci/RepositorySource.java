package dev.entrepot.oci;

import java.io.IOException;
import java.util.Optional;

/** A repository that can be read: blobs, manifests, tags and referrers. Implementations are safe for all threads. */
public interface RepositorySource extends BlobSource, ManifestSource {
    /** Which repository this is. */
    Repository repository();

    /**
     * One page of the tag list.
     *
     * @param cursor empty for the first page, else {@link TagPage#next()} of the page before
     * @throws NotFoundException if the source answered that there is no such repository
     * @throws RegistryException if the source gave no answer
     */
    TagPage listTags(Optional<String> cursor) throws IOException;

    /**
     * All referrers of a subject: by the API with all its pages, else by the fallback tag.
     *
     * @throws RegistryException if the source gave no answer; a failure is never an empty list
     */
    Referrers referrers(Digest subject) throws IOException;

    /**
     * As above, without fetching again what the fallback tag names and lists, where somebody has it.
     *
     * @param known what need not be fetched
     */
    default Referrers referrers(Digest subject, KnownManifests known) throws IOException {
        return referrers(subject);
    }

    /**
     * How questions about manifests, tags and lists fail at present, without asking one: such a question has failed and
     * is being repeated, or none is sent because of the last outages. Empty if none of this is known.
     */
    default Optional<OutageException> outage() {
        return Optional.empty();
    }

    /**
     * Why a manifest had better not be fetched now for which something older can stand in: of a quota no more is left
     * than is reserved for what nothing can stand in for. Asks nobody; empty if that is not so, or not known.
     */
    default Optional<OutageException> reserved() {
        return Optional.empty();
    }

    /**
     * Why no manifest can be fetched now: of a quota nothing is left. Asks nobody; empty if that is not so, or not
     * known.
     */
    default Optional<OutageException> spent() {
        return Optional.empty();
    }

    /**
     * Whether fetching a manifest costs one of a number of pulls, as far as is known, where asking what a tag names
     * costs none. Asks nobody.
     */
    default boolean countsPulls() {
        return false;
    }

    /** As {@link #outage()}, for questions about blobs. */
    default Optional<OutageException> blobOutage() {
        return Optional.empty();
    }

    /**
     * How a question of a client fails now because the registry has answered an earlier one by 429 and asked to be left
     * alone for a while. Asks nobody; empty if that is not so, or not known.
     *
     * @param blob whether the question is about blobs
     */
    default Optional<OutageException> held(boolean blob) {
        return Optional.empty();
    }
}
