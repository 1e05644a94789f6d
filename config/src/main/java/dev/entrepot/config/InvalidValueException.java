package dev.entrepot.config;

import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * A value of the configuration is not what it should be. The message never contains the value, which may be a secret.
 */
public final class InvalidValueException extends IllegalArgumentException {
    private final transient List<Refusal> refusals;

    /**
     * One thing that is wrong.
     *
     * @param key the key whose value is refused, as written in the file; empty for the value as a whole
     * @param allowed what would have been allowed
     * @param written the keys whose values, as they are written, make it wrong, whatever else is; empty if that depends
     *     on others
     */
    record Refusal(String key, String allowed, Set<String> written) {
        Refusal {
            written = Set.copyOf(written);
        }

        @Override
        public String toString() {
            return key.isEmpty() ? "expected " + allowed : key + ": expected " + allowed;
        }
    }

    /**
     * Describes the refusal.
     *
     * @param key the key whose value is refused, as written in the file; empty for the value as a whole
     * @param allowed what would have been allowed
     */
    public InvalidValueException(String key, String allowed) {
        this(List.of(new Refusal(key, allowed, Set.of())));
    }

    /** Describes several, one at least. */
    InvalidValueException(List<Refusal> refusals) {
        super(refusals.stream().map(Refusal::toString).collect(Collectors.joining("; ")));
        this.refusals = List.copyOf(refusals);
    }

    /** All that is wrong. */
    List<Refusal> refusals() {
        return refusals;
    }

    /**
     * The key whose value is refused, relative to the record; empty for the record as a whole. Of several, the first.
     */
    public String key() {
        return refusals.getFirst().key();
    }

    /** What would have been allowed there. */
    public String allowed() {
        return refusals.getFirst().allowed();
    }
}
