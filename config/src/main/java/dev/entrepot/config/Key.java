package dev.entrepot.config;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/**
 * A key of a section: the one place where its name, type, default and meaning are said.
 *
 * @param <R> what the section becomes
 * @param <T> what the value becomes
 * @param name the key as it is written
 * @param type what its value may be
 * @param required whether it must be there
 * @param defaultText what is read if it is not there; empty for what the type makes of nothing
 * @param shownDefault the default as the reference page shows it
 * @param get the value of a record, for printing
 * @param doc what it means, one or two sentences
 */
record Key<R, T>(
        String name,
        ValueType<T> type,
        boolean required,
        Optional<String> defaultText,
        String shownDefault,
        Function<R, T> get,
        String doc) {

    /** A key that must be there. */
    static <R, T> Key<R, T> required(String name, ValueType<T> type, Function<R, T> get, String doc) {
        return new Key<>(name, type, true, Optional.empty(), "", get, doc);
    }

    /** A key with a default, written as in the file. */
    static <R, T> Key<R, T> withDefault(
            String name, ScalarType<T> type, String defaultText, Function<R, T> get, String doc) {
        return new Key<>(name, type, false, Optional.of(defaultText), defaultText, get, doc);
    }

    /** A key that may be left out. */
    static <R, T> Key<R, Optional<T>> optional(
            String name, ValueType<T> type, Function<R, Optional<T>> get, String doc) {
        return new Key<>(name, new OptionalType<>(type), false, Optional.empty(), "", get, doc);
    }

    /** A list; empty if it is left out. */
    static <R, T> Key<R, List<T>> list(String name, ListType<T> type, Function<R, List<T>> get, String doc) {
        return new Key<>(name, type, false, Optional.empty(), "", get, doc);
    }

    /** A mapping with keys of the user's choice; empty if it is left out. */
    static <R, K, V> Key<R, Map<K, V>> map(String name, MapType<K, V> type, Function<R, Map<K, V>> get, String doc) {
        return new Key<>(name, type, false, Optional.empty(), "", get, doc);
    }

    /** A section whose keys all have defaults. */
    static <R, T> Key<R, T> section(String name, ValueType<T> type, Function<R, T> get, String doc) {
        return new Key<>(name, type, false, Optional.empty(), "", get, doc);
    }

    /** This key with words for a default that is not a fixed text. */
    Key<R, T> shownDefault(String words) {
        return new Key<>(name, type, required, defaultText, words, get, doc);
    }

    /** Reads the value, or what stands for it where it is absent or cannot be read; empty if nothing can. */
    Optional<T> read(ConfigNode section, Optional<ConfigNode> own) {
        Optional<T> value = own.flatMap(type::read);
        if (value.isPresent()) {
            return value;
        }
        if (!required) {
            return type.read(section.defaultChild(name, defaultText));
        }
        if (own.isEmpty()) {
            section.absentChild(name).error(ConfigError.Kind.MISSING_KEY, "", type.describe());
        }
        return Optional.empty();
    }

    /** The value of a record in the form of the file. */
    Printed print(R section) {
        return type.print(get.apply(section));
    }
}
