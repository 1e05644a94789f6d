package dev.entrepot.oci;

/** The registry refused for want of rights: 401 after authentication was tried, or 403. An answer, not an outage. */
public final class UnauthorizedException extends RegistryException {
    private final int status;
    private final boolean remembered;

    /**
     * Says who refused what.
     *
     * @param status 401 or 403
     */
    public UnauthorizedException(int status, String message) {
        this(status, message, false);
    }

    private UnauthorizedException(int status, String message, boolean remembered) {
        super(message);
        this.status = status;
        this.remembered = remembered;
    }

    /** The same, for questions that are answered with it later. */
    public UnauthorizedException asRemembered() {
        return new UnauthorizedException(status, String.valueOf(getMessage()), true);
    }

    @Override
    public boolean isRemembered() {
        return remembered;
    }

    /** The registry's status, 401 or 403. */
    public int status() {
        return status;
    }
}
