package dev.entrepot.oci.client;

/** What an answer of 429 is about. */
public enum TooManyKind {
    /** The quota of pulls is used up. */
    QUOTA("quota"),
    /** Too many requests in a short time. */
    RATE("rate"),
    /** Too many bytes of blobs, or too many requests to where they come from. */
    EGRESS("egress"),
    /** Too many requests to the token service. */
    TOKEN("token");

    private final String label;

    TooManyKind(String label) {
        this.label = label;
    }

    /** The name as a metric label. */
    public String label() {
        return label;
    }
}
