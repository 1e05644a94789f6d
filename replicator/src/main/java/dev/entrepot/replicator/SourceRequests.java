package dev.entrepot.replicator;

/**
 * Requests to a source by kind, without what it answers from a cache of its own, and without repeated ones.
 *
 * @param catalogs reads of the catalog, of all its pages
 * @param tagLists reads of tag lists; one for all pages where a cache reads them, else one for each
 * @param heads questions what a tag names: HEAD, which a cache makes a GET where pulls are not counted and it does not
 *     have the manifest yet
 * @param referrers referrers lists, of an API or a fallback tag
 * @param manifests manifests that are read: where pulls are counted, each is one
 * @param blobs blobs that are read
 */
public record SourceRequests(long catalogs, long tagLists, long heads, long referrers, long manifests, long blobs) {
    /** All of them. */
    public long total() {
        return catalogs + tagLists + heads + referrers + manifests + blobs;
    }

    /** These, with other content read. */
    SourceRequests reading(long otherManifests, long otherBlobs) {
        return new SourceRequests(catalogs, tagLists, heads, referrers, otherManifests, otherBlobs);
    }

    /** How many of them a quota on pulls counts: manifests, and neither HEAD nor lists nor blobs. */
    public long pulls() {
        return manifests;
    }
}
