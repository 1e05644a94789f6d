package dev.entrepot.oci;

/** The registry refused for want of rights: 401 after authentication was tried, or 403. An answer, not an outage. */
public final class UnauthorizedException extends RegistryException {
    private final int status;

    /**
     * Says who refused what.
     *
     * @param status 401 or 403
     */
    public UnauthorizedException(int status, String message) {
        super(message);
        this.status = status;
    }

    /** The registry's status, 401 or 403. */
    public int status() {
        return status;
    }
}
