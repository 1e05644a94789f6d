package dev.entrepot.proxy;

import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.logging.Formatter;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

/** The log of the process itself: one line for each event, on standard error. */
final class Logging {
    private Logging() {}

    /** Sets up java.util.logging: our own events from INFO, those of libraries from WARNING. */
    static void toStandardError() {
        Logger root = Logger.getLogger("");
        for (Handler handler : root.getHandlers()) {
            root.removeHandler(handler);
        }
        root.addHandler(new LineHandler(System.err));
        root.setLevel(Level.WARNING);
        Logger.getLogger("dev.entrepot").setLevel(Level.INFO);
    }

    /** Writes each record at once. */
    private static final class LineHandler extends Handler {
        private final PrintStream out;

        private LineHandler(PrintStream out) {
            this.out = out;
            setFormatter(new LineFormatter());
        }

        @Override
        public void publish(LogRecord event) {
            if (isLoggable(event)) {
                out.print(getFormatter().format(event));
            }
        }

        @Override
        public void flush() {
            out.flush();
        }

        @Override
        public void close() {
            flush();
        }
    }

    /** Time, level, the last part of the logger's name, and the message; then the stack trace, if there is one. */
    static final class LineFormatter extends Formatter {
        private static final DateTimeFormatter TIME =
                DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'").withZone(ZoneOffset.UTC);

        @Override
        public String format(LogRecord event) {
            String name = event.getLoggerName() == null ? "" : event.getLoggerName();
            StringBuilder line = new StringBuilder(TIME.format(event.getInstant()))
                    .append(' ')
                    .append(level(event.getLevel()))
                    .append(' ')
                    .append(name.substring(name.lastIndexOf('.') + 1))
                    .append(": ")
                    .append(oneLine(formatMessage(event)))
                    .append('\n');
            if (event.getThrown() != null) {
                StringWriter trace = new StringWriter();
                event.getThrown().printStackTrace(new PrintWriter(trace, true));
                line.append(trace);
            }
            return line.toString();
        }

        private static String level(Level level) {
            return level.intValue() >= Level.SEVERE.intValue()
                    ? "ERROR"
                    : level.intValue() >= Level.WARNING.intValue() ? "WARN" : "INFO";
        }

        private static String oneLine(String text) {
            StringBuilder safe = new StringBuilder(text.length());
            text.chars().forEach(c -> safe.append(Character.isISOControl(c) ? ' ' : (char) c));
            return safe.toString();
        }
    }
}
