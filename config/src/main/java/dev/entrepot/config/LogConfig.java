package dev.entrepot.config;

/**
 * How the process says on standard error what happens to it.
 *
 * @param format how an event is written
 * @param level the least important events that are; those of libraries from warnings on in any case
 */
public record LogConfig(Format format, Level level) {
    /** How an event is written. */
    public enum Format {
        /** A line of text; a stack trace follows on lines of its own. */
        TEXT,
        /** A JSON object on one line, stack trace included. */
        JSON
    }

    /** How important an event is. */
    public enum Level {
        /** For those who look for a fault. */
        DEBUG,
        /** What happens anyway. */
        INFO,
        /** What somebody may want to see to. */
        WARN,
        /** What somebody has to see to. */
        ERROR
    }

    /** Text, from {@link Level#INFO} on. */
    public static final LogConfig DEFAULT = new LogConfig(Format.TEXT, Level.INFO);
}
