package dev.entrepot.oci;

/** The registry answered that it does not have the thing. An answer, not an outage. */
public final class NotFoundException extends RegistryException {
    /** What is missing. */
    public enum Kind {
        /** The repository, or the registry itself is not one that is served. */
        NAME,
        /** A manifest. */
        MANIFEST,
        /** A blob. */
        BLOB
    }

    private final Kind kind;

    /** Says what is missing, and where. */
    public NotFoundException(Kind kind, String message) {
        super(message);
        this.kind = kind;
    }

    /** What is missing. */
    public Kind kind() {
        return kind;
    }
}
