package dev.entrepot.oci;

/**
 * What arrived is not what it should be: another digest or length, too much of it, or no manifest at all. Nothing of it
 * is kept.
 */
public final class InvalidContentException extends RegistryException {
    /** Says what was expected and what came. */
    public InvalidContentException(String message) {
        super(message);
    }

    /** As above, with the cause. */
    public InvalidContentException(String message, Throwable cause) {
        super(message, cause);
    }
}
