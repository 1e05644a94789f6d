package dev.entrepot.config;

import java.util.List;

/** The keys of {@code server.log:}. */
final class LogKeys {
    private static final Key<LogConfig, LogConfig.Format> FORMAT = Key.withDefault(
            "format",
            Types.word(LogConfig.Format.values()),
            "text",
            LogConfig::format,
            "How an event is written: as a line of text, or as a JSON object on one line, with the stack trace as one field.");
    private static final Key<LogConfig, LogConfig.Level> LEVEL = Key.withDefault(
            "level",
            Types.word(LogConfig.Level.values()),
            "info",
            LogConfig::level,
            "The least important events that are written. Those of libraries are written from warn on in any case, and from error on with error.");
    static final Section<LogConfig> SECTION = new Section<>(
            "log", List.of(FORMAT, LEVEL), values -> new LogConfig(values.get(FORMAT), values.get(LEVEL)));

    private LogKeys() {}
}
