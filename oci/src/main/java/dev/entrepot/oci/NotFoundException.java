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
    private final String code;
    private final boolean remembered;

    /** Says what is missing, and where. */
    public NotFoundException(Kind kind, String message) {
        this(kind, "", message);
    }

    /**
     * As above, as a registry says it.
     *
     * @param code the error code of the answer's body (distribution-spec, "Error Codes"), or empty
     */
    public NotFoundException(Kind kind, String code, String message) {
        this(kind, code, message, false);
    }

    private NotFoundException(Kind kind, String code, String message, boolean remembered) {
        super(message);
        this.kind = kind;
        this.code = code;
        this.remembered = remembered;
    }

    /** The same, for questions that are answered with it later. */
    public NotFoundException asRemembered() {
        return new NotFoundException(kind, code, String.valueOf(getMessage()), true);
    }

    @Override
    public boolean isRemembered() {
        return remembered;
    }

    /** What is missing. */
    public Kind kind() {
        return kind;
    }

    /** The error code of the answer's body, or empty: a 404 without one may be anybody's on the way. */
    public String code() {
        return code;
    }
}
