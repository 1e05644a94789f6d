package dev.entrepot.config;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** Gathers what is wrong between the values of one record, so that all of it is told at once. For one thread. */
final class Contradictions {
    private final List<InvalidValueException.Refusal> found = new ArrayList<>();

    /**
     * Records what is wrong, if it is.
     *
     * @param key the key to blame
     * @param allowed what would have been allowed
     * @param written the keys that contradict each other by what is written there; none if something else is wrong
     *     because a key is not there, which may be misspelled
     */
    Contradictions refuseIf(boolean wrong, String key, String allowed, String... written) {
        if (wrong) {
            found.add(new InvalidValueException.Refusal(key, allowed, Set.of(written)));
        }
        return this;
    }

    /** Makes a check of the value of one key. */
    Contradictions check(String key, Runnable check) {
        try {
            check.run();
        } catch (InvalidValueException e) {
            found.add(new InvalidValueException.Refusal(key, e.allowed(), Set.of(key)));
        }
        return this;
    }

    /**
     * Ends the checks.
     *
     * @throws InvalidValueException if anything is wrong
     */
    void end() {
        if (!found.isEmpty()) {
            throw new InvalidValueException(found);
        }
    }
}
