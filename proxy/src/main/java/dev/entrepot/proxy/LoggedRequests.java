package dev.entrepot.proxy;

import dev.entrepot.config.AccessLogFormat;
import dev.entrepot.proxy.admin.AccessLog;
import dev.entrepot.proxy.admin.Metrics;
import dev.entrepot.proxy.http.RequestObserver;
import java.io.OutputStream;

/** The access log beside what counts requests. */
final class LoggedRequests {
    private LoggedRequests() {}

    /**
     * Tells {@code counted} and the access log, if one is configured.
     *
     * @param open closes the log
     * @param metrics is told how many lines were dropped
     */
    static RequestObserver of(
            RequestObserver counted, AccessLogFormat format, OutputStream output, Closings open, Metrics metrics) {
        if (format == AccessLogFormat.OFF) {
            return counted;
        }
        AccessLog log = format == AccessLogFormat.JSON ? AccessLog.json(output) : AccessLog.text(output);
        open.push(log::close);
        metrics.counterFrom("entrepot_access_log_dropped_total", "Lines of the access log dropped.", log::dropped);
        return new BothObservers(counted, log);
    }
}
