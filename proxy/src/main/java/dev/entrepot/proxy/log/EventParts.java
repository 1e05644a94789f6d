package dev.entrepot.proxy.log;

import dev.entrepot.config.Redaction;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.logging.Level;
import java.util.logging.LogRecord;

/** The parts that an event has in every format. */
final class EventParts {
    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'").withZone(ZoneOffset.UTC);

    private EventParts() {}

    /** The time, in UTC, to the millisecond. */
    static String time(LogRecord event) {
        return TIME.format(event.getInstant());
    }

    /** The level in the words of the configuration, in capitals. */
    static String level(LogRecord event) {
        int value = event.getLevel().intValue();
        if (value >= Level.SEVERE.intValue()) {
            return "ERROR";
        }
        return value >= Level.WARNING.intValue() ? "WARN" : value >= Level.INFO.intValue() ? "INFO" : "DEBUG";
    }

    /** The name of the logger, which is that of a class. */
    static String logger(LogRecord event) {
        return event.getLoggerName() == null ? "" : event.getLoggerName();
    }

    /** The stack trace, without secrets. */
    static String trace(Throwable thrown) {
        StringWriter trace = new StringWriter();
        thrown.printStackTrace(new PrintWriter(trace, true));
        return Redaction.of(trace.toString());
    }
}
