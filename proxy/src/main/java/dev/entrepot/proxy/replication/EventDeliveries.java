package dev.entrepot.proxy.replication;

import dev.entrepot.config.Secret;
import dev.entrepot.config.WebhookConfig;
import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.proxy.admin.Metrics;
import dev.entrepot.replicator.ReplicationReport;
import dev.entrepot.replicator.RetryPolicy;
import dev.entrepot.replicator.events.EventFormats;
import dev.entrepot.replicator.events.EventQueue;
import dev.entrepot.replicator.events.ReplicationEvent;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.ConnectException;
import java.net.ProtocolException;
import java.net.SocketException;
import java.net.URI;
import java.net.UnknownHostException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.nio.channels.UnresolvedAddressException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import javax.net.ssl.SSLException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sends what runs came to to the receivers of the configuration, each with a queue of its own. Safe for all threads.
 */
final class EventDeliveries implements RunListener, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(EventDeliveries.class);
    private static final int CAPACITY = 10_000;
    private static final Duration CONNECT = Duration.ofSeconds(5);
    private static final Duration ANSWER = Duration.ofSeconds(30);
    private static final String SOURCE = "/entrepot";
    // For six minutes, which is longer than a receiver takes to start anew.
    private static final RetryPolicy RETRIES = new RetryPolicy(12, Duration.ofSeconds(1), Duration.ofMinutes(1), 1);

    private record Receiver(String host, WebhookConfig.Format format, EventQueue queue) {}

    // Where nobody is to be told, there is none: making one takes a tenth of a second of the start.
    private final Optional<HttpClient> http;
    private final List<Receiver> receivers = new ArrayList<>();
    private final Duration longestAnswer;
    private final String userAgent;

    EventDeliveries(List<WebhookConfig> configs, Metrics metrics, ClientEnvironment environment) {
        this(configs, metrics, environment, ANSWER);
    }

    /** As above, with another time for an answer to come to its end. */
    EventDeliveries(
            List<WebhookConfig> configs, Metrics metrics, ClientEnvironment environment, Duration longestAnswer) {
        this.longestAnswer = longestAnswer;
        this.userAgent = environment.userAgent();
        this.http = configs.isEmpty() ? Optional.empty() : Optional.of(client());
        for (WebhookConfig config : configs) {
            EventQueue queue = new EventQueue(
                    (headers, body) -> post(config.url(), headers, body),
                    CAPACITY,
                    config.secret().map(Secret::reveal),
                    RETRIES,
                    Replication.time(environment),
                    heard(config.url().getHost()));
            receivers.add(new Receiver(config.url().getHost(), config.format(), queue));
        }
        metrics.counterFrom(
                "entrepot_events_delivered_total",
                "Events that a receiver took.",
                () -> receivers.stream()
                        .mapToLong(receiver -> receiver.queue().delivered())
                        .sum());
        metrics.counterFrom(
                "entrepot_events_dropped_total",
                "Events that were given up.",
                () -> receivers.stream()
                        .mapToLong(receiver -> receiver.queue().dropped())
                        .sum());
        metrics.gauge(
                "entrepot_events_waiting",
                "Events that no receiver took yet, nor gave up; lost when the process ends.",
                () -> receivers.stream()
                        .mapToLong(receiver -> receiver.queue().left())
                        .sum());
    }

    // Once for each time that it begins, and not for each event.
    private static EventQueue.Listener heard(String host) {
        return new EventQueue.Listener() {
            @Override
            public void fails(String why) {
                LOG.warn(
                        "{} takes no event ({}): each is tried again for minutes, one that is refused, or fails while another"
                                + " is taken, for seconds, and then dropped, and counted as entrepot_events_dropped_total; check the url under replication.notifications.deliver",
                        host,
                        why);
            }

            @Override
            public void takesAgain() {
                LOG.info("{} takes events again", host);
            }
        };
    }

    private static HttpClient client() {
        return HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .connectTimeout(CONNECT)
                .build();
    }

    // The library's own time-out ends with the head of the answer: a body that does not come to its end would keep the
    // receiver from ever being told anything again.
    private int post(URI url, Map<String, String> headers, byte[] body) throws IOException {
        HttpRequest.Builder request = HttpRequest.newBuilder(url)
                .header("User-Agent", userAgent)
                .POST(HttpRequest.BodyPublishers.ofByteArray(body));
        headers.forEach(request::header);
        CompletableFuture<HttpResponse<Void>> answer =
                http.orElseThrow().sendAsync(request.build(), HttpResponse.BodyHandlers.discarding());
        try {
            return answer.get(longestAnswer.toMillis(), TimeUnit.MILLISECONDS).statusCode();
        } catch (TimeoutException e) {
            throw new IOException("no whole answer within " + longestAnswer.toSeconds() + " s", e);
        } catch (ExecutionException e) {
            throw new IOException(words(e), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while an event was posted");
        } finally {
            answer.cancel(true);
        }
    }

    // The library says what happened by the class of what it throws, or of a cause of that, and seldom by its message.
    private static String words(ExecutionException failed) {
        for (Throwable fault = failed.getCause(); fault != null; fault = fault.getCause()) {
            switch (fault) {
                case UnresolvedAddressException _, UnknownHostException _ -> {
                    return "does not resolve";
                }
                case HttpTimeoutException _ -> {
                    return "did not answer in time";
                }
                case SSLException e -> {
                    return "failed the TLS handshake: " + e.getMessage();
                }
                case ProtocolException _ -> {
                    return "did not answer in HTTP";
                }
                case ConnectException e -> {
                    return connecting(e);
                }
                default -> {
                    // Its cause may say more.
                }
            }
        }
        return "broke the connection";
    }

    private static String connecting(ConnectException fault) {
        for (Throwable cause = fault.getCause(); cause != null; cause = cause.getCause()) {
            if (cause instanceof UnresolvedAddressException) {
                return "does not resolve";
            }
            if (cause instanceof SocketException socket && !(socket instanceof ConnectException)) {
                return "cannot be reached (" + socket.getMessage() + ")";
            }
        }
        return "refused the connection";
    }

    @Override
    public void ended(ReplicationReport report) {
        for (ReplicationEvent event : ReplicationEvent.of(report)) {
            String id = UUID.randomUUID().toString();
            for (Receiver receiver : receivers) {
                switch (receiver.format()) {
                    case CLOUDEVENTS ->
                        receiver.queue().add(EventFormats.CLOUDEVENTS_TYPE, EventFormats.cloudEvent(event, id, SOURCE));
                    case DISTRIBUTION ->
                        EventFormats.distribution(event, id)
                                .ifPresent(body -> receiver.queue().add(EventFormats.DISTRIBUTION_TYPE, body));
                }
            }
        }
    }

    /**
     * Waits until the receivers were told everything, or have failed to take it; logs what is lost of those that have
     * taken nothing for a time.
     *
     * @param without how long a receiver may take nothing; a total is not bounded
     */
    void finish(Duration without) {
        try {
            // All deliver meanwhile: who is behind one that takes nothing is waited for no longer because of that.
            for (Receiver receiver : receivers) {
                if (!receiver.queue().awaitEmpty(without)) {
                    LOG.warn(
                            "{} was not told {} events: it took none for {} s; check the url under replication.notifications.deliver",
                            receiver.host(),
                            receiver.queue().left(),
                            without.toSeconds());
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /**
     * Waits until the receivers were told everything or have failed to take it, but no longer: for a server that is to
     * stop. Logs what is lost.
     *
     * @param most how long, for all of them together
     */
    void finishWithin(Duration most) {
        long deadline = System.nanoTime() + most.toNanos();
        try {
            for (Receiver receiver : receivers) {
                if (!receiver.queue().awaitEmptyUntil(deadline)) {
                    LOG.warn(
                            "{} was not told {} events: the server stops, and waits for {} s only",
                            receiver.host(),
                            receiver.queue().left(),
                            most.toSeconds());
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        receivers.forEach(receiver -> receiver.queue().close());
        http.ifPresent(client -> {
            client.shutdownNow();
            client.close();
        });
    }
}
