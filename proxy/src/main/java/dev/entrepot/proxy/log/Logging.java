package dev.entrepot.proxy.log;

import dev.entrepot.config.LogConfig;
import java.io.PrintStream;
import java.util.logging.Formatter;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.slf4j.LoggerFactory;

/**
 * The log of the process itself, on one stream: our own events from a level on, those of libraries from warnings on.
 * All that logs does so through java.util.logging, by way of SLF4J or by itself, so that this is the only place where
 * an event becomes a line.
 */
public final class Logging {
    private static final org.slf4j.Logger LOG = LoggerFactory.getLogger(Logging.class);

    // Held here, because the library forgets the levels of loggers that nobody holds.
    private final Logger root = Logger.getLogger("");
    private final Logger own = Logger.getLogger("dev.entrepot");
    private final LineHandler handler;

    private Logging(LineHandler handler) {
        this.handler = handler;
    }

    /**
     * Sets up java.util.logging to write to a stream and nowhere else, and has it told of threads that end by a defect.
     */
    public static Logging to(PrintStream out) {
        Logging logging = new Logging(new LineHandler(out));
        for (Handler handler : logging.root.getHandlers()) {
            logging.root.removeHandler(handler);
        }
        logging.root.addHandler(logging.handler);
        logging.use(LogConfig.DEFAULT);
        // The JVM itself would write a stack trace of its own form.
        Thread.setDefaultUncaughtExceptionHandler(
                (thread, thrown) -> LOG.error("the thread {} ended by a defect", thread.getName(), thrown));
        return logging;
    }

    /** From now on, events are written like this. */
    public void use(LogConfig config) {
        handler.setFormatter(
                switch (config.format()) {
                    case TEXT -> new TextEvents();
                    case JSON -> new JsonEvents();
                });
        Level level = switch (config.level()) {
            case DEBUG -> Level.FINE;
            case INFO -> Level.INFO;
            case WARN -> Level.WARNING;
            case ERROR -> Level.SEVERE;
        };
        own.setLevel(level);
        root.setLevel(level.intValue() > Level.WARNING.intValue() ? level : Level.WARNING);
    }

    /** Writes nothing more. */
    public void end() {
        root.removeHandler(handler);
    }

    /** Writes each event at once, and whole. */
    private static final class LineHandler extends Handler {
        private final PrintStream out;

        private LineHandler(PrintStream out) {
            this.out = out;
        }

        @Override
        public void publish(LogRecord event) {
            Formatter formatter = getFormatter();
            if (formatter != null && isLoggable(event)) {
                out.print(formatter.format(event));
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
}
