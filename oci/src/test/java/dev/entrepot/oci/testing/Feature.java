package dev.entrepot.oci.testing;

/** What registries differ in. Those marked as off are not part of {@link Abilities#DEFAULT}. */
public enum Feature {
    /** Answers the referrers API; without it 404. */
    REFERRERS_API,
    /** Lists referrers; without it the referrers API, if it is answered at all, knows of none. */
    REFERRERS_LISTED,
    /** Applies the artifact type filter and says so in {@code OCI-Filters-Applied}. */
    REFERRERS_FILTER,
    /** Answers {@code OCI-Subject} to the push of a manifest with a subject. */
    SUBJECT_HEADER,
    /** Off: accepts an index some of whose manifests are missing. */
    SPARSE_INDEXES,
    /** Off: accepts a manifest some of whose blobs are missing. */
    MISSING_BLOBS,
    /** Mounts blobs from other repositories; without it a mount opens an ordinary session. */
    MOUNT,
    /** Mounts blobs without being told from where. Needs {@link #MOUNT}. */
    ANONYMOUS_MOUNT,
    /** Answers ranges of blobs; without it always everything. */
    RANGES,
    /** Answers HEAD for blobs; without it 405. */
    HEAD_BLOBS,
    /** Answers HEAD for manifests; without it 405. */
    HEAD_MANIFESTS,
    /** Sends {@code Docker-Content-Digest}. */
    DIGEST_HEADER,
    /** Sends {@code ETag} and answers {@code If-None-Match} with 304. */
    ETAGS,
    /** Off: obeys {@code If-Match} and {@code If-None-Match: *} in the push of a manifest. */
    IF_MATCH,
    /** Off: sets the tags that the push of a manifest by digest names in its query, and says which. */
    TAG_PARAMETER,
    /** Off: answers 404 for a manifest whose type is not in {@code Accept}. */
    STRICT_ACCEPT,
    /** Answers {@code /v2/_catalog}. */
    CATALOG,
    /** Deletes manifests, tags and blobs; without it 405. */
    DELETE,
    /** Keeps what came of a broken upload, and tells how much; without it the session is gone. */
    RESUMABLE_UPLOADS,
    /** Puts state that changes with each request into the query of upload locations, and insists on it. */
    UPLOAD_STATE,
    /** Off: accepts a blob in a single POST. */
    SINGLE_POST,
    /** Off: sends absolute locations. */
    ABSOLUTE_LOCATIONS
}
