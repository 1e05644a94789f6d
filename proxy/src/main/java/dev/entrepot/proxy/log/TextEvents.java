package dev.entrepot.proxy.log;

import dev.entrepot.config.Redaction;
import java.util.logging.Formatter;
import java.util.logging.LogRecord;

/**
 * Time, level, the last part of the logger's name, and the message on one line; then the stack trace, if there is one.
 * Nothing but an event begins a line with a time, and no control character of a message gets out. Safe for all threads.
 */
final class TextEvents extends Formatter {
    @Override
    public String format(LogRecord event) {
        String name = EventParts.logger(event);
        StringBuilder line = new StringBuilder(EventParts.time(event))
                .append(' ')
                .append(EventParts.level(event))
                .append(' ')
                .append(name.substring(name.lastIndexOf('.') + 1))
                .append(": ")
                .append(oneLine(Redaction.of(String.valueOf(formatMessage(event)))))
                .append('\n');
        if (event.getThrown() != null) {
            line.append(indented(EventParts.trace(event.getThrown())));
        }
        return line.toString();
    }

    // Messages of exceptions may have lines of their own, of which none may look like an event.
    private static String indented(String trace) {
        StringBuilder safe = new StringBuilder(trace.length());
        for (String line : trace.split("\n")) {
            boolean isOurs = safe.isEmpty() || line.startsWith("\t") || line.startsWith("Caused by: ");
            safe.append(isOurs ? "" : "\t").append(withoutControls(line)).append('\n');
        }
        return safe.toString();
    }

    private static String withoutControls(String line) {
        int tabs = 0;
        while (tabs < line.length() && line.charAt(tabs) == '\t') {
            tabs++;
        }
        return line.substring(0, tabs) + oneLine(line.substring(tabs));
    }

    private static String oneLine(String text) {
        StringBuilder safe = new StringBuilder(text.length());
        text.chars().forEach(c -> safe.append(Character.isISOControl(c) ? ' ' : (char) c));
        return safe.toString();
    }
}
