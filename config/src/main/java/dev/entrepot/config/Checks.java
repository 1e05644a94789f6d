package dev.entrepot.config;

import java.time.Duration;
import java.util.Collection;

/** The conditions that several records of the configuration share. Each names the key as it is written in the file. */
final class Checks {
    private Checks() {}

    /** Refuses a negative time. */
    static void notNegative(String key, Duration value) {
        if (value.isNegative()) {
            throw new InvalidValueException(key, "a time of 0 or more");
        }
    }

    /** Refuses a time that is not more than 0. */
    static void positive(String key, Duration value) {
        if (value.isNegative() || value.isZero()) {
            throw new InvalidValueException(key, "a time of more than 0");
        }
    }

    /** Refuses a number outside of the bounds, which are inclusive. */
    static void between(String key, int value, int least, int most) {
        if (value < least || value > most) {
            throw new InvalidValueException(key, "a whole number from " + least + " to " + most);
        }
    }

    /** Refuses an empty size. */
    static void positive(String key, ByteSize value) {
        if (value.bytes() == 0) {
            throw new InvalidValueException(key, "a size of at least 1 byte");
        }
    }

    /** Refuses an empty collection. */
    static void notEmpty(String key, Collection<?> value) {
        if (value.isEmpty()) {
            throw new InvalidValueException(key, "at least one entry");
        }
    }
}
