package dev.entrepot.config;

/**
 * A value of the configuration is not what it should be. The message never contains the value, which may be a secret.
 */
public final class InvalidValueException extends IllegalArgumentException {
    private final String key;
    private final String allowed;

    /**
     * Describes the refusal.
     *
     * @param key the key whose value is refused, as written in the file; empty for the value as a whole
     * @param allowed what would have been allowed
     */
    public InvalidValueException(String key, String allowed) {
        super(key.isEmpty() ? "expected " + allowed : key + ": expected " + allowed);
        this.key = key;
        this.allowed = allowed;
    }

    /** The key whose value is refused, relative to the record; empty for the record as a whole. */
    public String key() {
        return key;
    }

    /** What would have been allowed. */
    public String allowed() {
        return allowed;
    }
}
