package dev.entrepot.config;

import java.util.List;
import java.util.Map;

/** An effective value in the form of the file. */
sealed interface Printed {
    /**
     * A single value.
     *
     * @param text the value as YAML, quoted where needed
     */
    record Scalar(String text) implements Printed {}

    /**
     * A list.
     *
     * @param items its elements
     */
    record Items(List<Printed> items) implements Printed {}

    /**
     * A mapping.
     *
     * @param named whether the keys are names that the user chose
     * @param entries its entries, in order
     */
    record Entries(boolean named, Map<String, Printed> entries) implements Printed {}

    /** Nothing to show: the key is left out. */
    record Nothing() implements Printed {}
}
