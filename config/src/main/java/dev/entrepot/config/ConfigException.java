package dev.entrepot.config;

import java.util.List;
import java.util.stream.Collectors;

/** The configuration is not usable. The message has one line for each error. */
public final class ConfigException extends Exception {
    private final List<ConfigError> errors;

    /** With every error, of which there is at least one. */
    public ConfigException(List<ConfigError> errors) {
        super(errors.stream().map(ConfigError::toString).collect(Collectors.joining(System.lineSeparator())));
        this.errors = List.copyOf(errors);
    }

    /** Every error, in the order of the file. */
    public List<ConfigError> errors() {
        return errors;
    }
}
