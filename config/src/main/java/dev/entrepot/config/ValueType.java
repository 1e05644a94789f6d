package dev.entrepot.config;

import java.util.Optional;
import tools.jackson.databind.node.ObjectNode;

/**
 * What a value of the file may be: how it is read, printed and described. Everything that the loader, the printer, the
 * JSON Schema and the reference page know about a key comes from here, so that they cannot disagree.
 *
 * @param <T> what it becomes
 */
sealed interface ValueType<T>
        permits ScalarType, ReasonType, UpstreamName, ListType, MapType, OptionalType, EitherType, Section {
    /** Reads a node; empty if it cannot be read, with errors recorded. */
    Optional<T> read(ConfigNode node);

    /** The value in the form of the file, secrets masked. */
    Printed print(T value);

    /** JSON Schema of what may be written. */
    ObjectNode schema();

    /** What may be written, in a few words. */
    String describe();
}
