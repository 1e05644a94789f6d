package dev.entrepot.proxy.http;

import java.util.Locale;

/** The kinds of request that logs and metrics tell apart. */
public enum RequestKind {
    /** {@code /v2/}. */
    PING,
    /** {@code /v2/_catalog}. */
    CATALOG,
    /** {@code manifests/}. */
    MANIFEST,
    /** {@code blobs/}. */
    BLOB,
    /** {@code tags/list}. */
    TAGS,
    /** {@code referrers/}. */
    REFERRERS,
    /** Uploads, pushes and deletions. */
    PUSH,
    /** {@code /token}. */
    TOKEN,
    /** What is none of these, or could not be parsed. */
    OTHER;

    private final String label = name().toLowerCase(Locale.ROOT);

    /** The name in logs and metrics. */
    public String label() {
        return label;
    }
}
