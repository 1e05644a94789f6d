package dev.entrepot.oci;

/** That a tag is as it was when it was read (RFC 9110, section 13.1). */
public sealed interface TagCondition {
    /**
     * It names what it named ({@code If-Match}).
     *
     * @param etag the strong validator of that answer, with its quotation marks
     */
    record Unchanged(String etag) implements TagCondition {}

    /** There still is no such tag ({@code If-None-Match: *}). */
    record Absent() implements TagCondition {}
}
