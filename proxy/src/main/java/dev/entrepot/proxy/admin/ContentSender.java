package dev.entrepot.proxy.admin;

import dev.entrepot.proxy.http.StallWatchdog;
import io.helidon.http.HeaderNames;
import io.helidon.http.HeaderValues;
import io.helidon.http.Status;
import io.helidon.webserver.CloseConnectionException;
import io.helidon.webserver.http.RoutingResponse;
import java.io.IOException;
import java.io.OutputStream;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Sends what endpoints answer with other than JSON; cuts those who take nothing. Safe for all threads. */
final class ContentSender {
    private static final Logger LOG = LoggerFactory.getLogger(ContentSender.class);

    private final List<AdminEndpoint> endpoints;
    private final StallWatchdog stalls;

    ContentSender(List<AdminEndpoint> endpoints, StallWatchdog stalls) {
        this.endpoints = endpoints;
        this.stalls = stalls;
    }

    /** What the endpoints answer, if it is no JSON. */
    Optional<AdminContent> find(AdminRequest request) throws IOException {
        for (AdminEndpoint endpoint : endpoints) {
            Optional<AdminContent> content = endpoint.content(request);
            if (content.isPresent()) {
                return content;
            }
        }
        return Optional.empty();
    }

    /** Cuts those who have taken nothing for too long; called about once a second. */
    void check() {
        stalls.check();
    }

    /** Sends it; a stream until its end, and then closes the connection. */
    void send(AdminContent content, RoutingResponse response, boolean head) {
        content.headers()
                .forEach((name, value) -> response.header(HeaderValues.create(HeaderNames.create(name), value)));
        switch (content) {
            case AdminContent.Document document -> {
                response.status(Status.create(document.status()));
                boolean bodiless = head || document.status() == 304;
                if (head) {
                    response.headers().contentLength(document.body().length);
                }
                if (bodiless) {
                    response.send();
                } else {
                    response.send(document.body());
                }
            }
            case AdminContent.Stream stream -> {
                response.status(Status.OK_200);
                response.header(HeaderValues.CONNECTION_CLOSE);
                if (head) {
                    response.send();
                } else {
                    stream(stream, response);
                }
                throw new CloseConnectionException("the stream has ended");
            }
        }
    }

    private void stream(AdminContent.Stream stream, RoutingResponse response) {
        StallWatchdog.Transfer transfer = stalls.watch();
        try (OutputStream out = response.outputStream()) {
            stream.writer().writeTo(bytes -> guarded(transfer, out, bytes));
        } catch (IOException | RuntimeException e) {
            LOG.debug("a stream of the admin port ended: {}", e.toString());
        }
    }

    private static void guarded(StallWatchdog.Transfer transfer, OutputStream out, byte[] bytes) throws IOException {
        transfer.writing();
        Exception failure = null;
        try {
            out.write(bytes);
            out.flush();
        } catch (IOException | RuntimeException e) {
            failure = e;
        }
        if (transfer.wrote() || failure != null) {
            throw new IOException("the client has gone, or takes nothing", failure);
        }
    }
}
