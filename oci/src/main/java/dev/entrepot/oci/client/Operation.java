package dev.entrepot.oci.client;

/** What a request to a registry is for, as metrics count it. */
public enum Operation {
    /** {@code GET /v2/}. */
    PING("ping"),
    /** {@code GET /v2/}, to learn whether a credential is taken. */
    ENTER("enter"),
    /** {@code GET /v2/_catalog}. */
    CATALOG("catalog"),
    /** {@code HEAD} of a manifest. */
    RESOLVE("resolve"),
    /** {@code GET} of a manifest. */
    MANIFEST("manifest"),
    /** {@code HEAD} of a blob. */
    STAT_BLOB("stat-blob"),
    /** {@code GET} of a blob. */
    BLOB("blob"),
    /** {@code GET} of a page of a tag list. */
    TAGS("tags"),
    /** {@code GET} of a page of referrers. */
    REFERRERS("referrers"),
    /** Any request of an upload session. */
    UPLOAD("upload"),
    /** {@code POST} that mounts a blob. */
    MOUNT("mount"),
    /** {@code PUT} of a manifest. */
    PUSH_MANIFEST("push-manifest"),
    /** {@code DELETE} of a manifest or tag. */
    DELETE_MANIFEST("delete-manifest"),
    /** A request to a token service. */
    TOKEN("token");

    private final String label;

    Operation(String label) {
        this.label = label;
    }

    /** The name as a metric label: lower case, words joined by {@code -}. */
    public String label() {
        return label;
    }
}
