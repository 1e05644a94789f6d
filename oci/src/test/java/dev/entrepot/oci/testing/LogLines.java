package dev.entrepot.oci.testing;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;

/** What is said in the log under a name as long as this is open. Both lists grow meanwhile. */
public final class LogLines implements AutoCloseable {
    private final List<String> texts = new CopyOnWriteArrayList<>();
    private final List<String> lines = new CopyOnWriteArrayList<>();
    private final Logger log;
    private final Handler handler = new Handler() {
        private final SimpleFormatter formatter = new SimpleFormatter();

        @Override
        public void publish(LogRecord event) {
            String text = formatter.formatMessage(event);
            texts.add(text);
            lines.add(event.getLevel() + " " + text);
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
    };

    private LogLines(String name) {
        log = Logger.getLogger(name);
        log.addHandler(handler);
    }

    /** Listens to what a class logs. */
    public static LogLines of(Class<?> logging) {
        return new LogLines(logging.getName());
    }

    /** Listens to all that is logged below a name. */
    public static LogLines below(String name) {
        return new LogLines(name);
    }

    /** What was said. */
    public List<String> texts() {
        return texts;
    }

    /** The same, with the level before it. */
    public List<String> lines() {
        return lines;
    }

    @Override
    public void close() {
        log.removeHandler(handler);
    }
}
