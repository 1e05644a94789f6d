package dev.entrepot.oci;

/** The registry refused the request itself: any 4xx that is not 401, 403, 404, 408 or 429. An answer, not an outage. */
public final class RefusedException extends RegistryException {
    private final int status;
    private final String code;

    /**
     * Says what was refused.
     *
     * @param status the HTTP status
     * @param code the first error code of the answer's body (distribution-spec, "Error Codes"), or empty
     */
    public RefusedException(int status, String code, String message) {
        super(message);
        this.status = status;
        this.code = code;
    }

    /** The HTTP status. */
    public int status() {
        return status;
    }

    /** The first error code of the answer's body, or empty. */
    public String code() {
        return code;
    }
}
