package dev.entrepot.proxy.log;

import java.util.logging.Formatter;
import java.util.logging.LogRecord;

/** Time, level, the last part of the logger's name, and the message on one line; then the stack trace, if there is one. Safe for all threads. */
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
            line.append(EventParts.trace(event.getThrown()));
        }
        return line.toString();
    }

    private static String oneLine(String text) {
        StringBuilder safe = new StringBuilder(text.length());
        text.chars().forEach(c -> safe.append(Character.isISOControl(c) ? ' ' : (char) c));
        return safe.toString();
    }
}
