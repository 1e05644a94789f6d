package dev.entrepot.proxy.log;

import dev.entrepot.config.Redaction;
import dev.entrepot.oci.Causes;
import dev.entrepot.oci.OciJson;
import java.util.logging.Formatter;
import java.util.logging.LogRecord;
import tools.jackson.databind.node.ObjectNode;

/**
 * An object on one line: {@code time}, {@code level}, {@code logger}, {@code message}; {@code error} and {@code stack}
 * where something was thrown; {@code trace} where a trace is made of what it happened in. Safe for all threads.
 */
final class JsonEvents extends Formatter {
    @Override
    public String format(LogRecord event) {
        ObjectNode json = OciJson.mapper().createObjectNode();
        json.put("time", EventParts.time(event));
        json.put("level", EventParts.level(event));
        json.put("logger", EventParts.logger(event));
        json.put("message", Redaction.of(String.valueOf(formatMessage(event))));
        Throwable thrown = event.getThrown();
        if (thrown != null) {
            json.put("error", Redaction.of(thrown.toString()));
            json.put("stack", EventParts.trace(thrown));
        }
        Causes.current().ifPresent(cause -> json.put("trace", cause.traceId()));
        return json + "\n";
    }
}
