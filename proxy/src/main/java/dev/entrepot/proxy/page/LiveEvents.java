package dev.entrepot.proxy.page;

import dev.entrepot.proxy.admin.AdminContent;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;

/**
 * Server-sent events (HTML standard, section 9.2): what has changed, every two seconds, for as long as somebody
 * watches. Each watcher has the thread of its connection; the figures are made once for all of them, and not at all if
 * there are none. Safe for all threads.
 */
final class LiveEvents implements AutoCloseable {
    /** The most that watch at the same time. */
    static final int MOST_WATCHERS = 32;

    private static final Duration PERIOD = Duration.ofSeconds(2);
    private static final int SILENT_PERIODS = 7;
    private static final Map<String, String> HEADERS = Map.of(
            "Content-Type", "text/event-stream; charset=utf-8",
            "Cache-Control", "no-store",
            "X-Accel-Buffering", "no",
            "X-Content-Type-Options", "nosniff");

    private final Map<String, Topic> topics;
    private final Duration period;
    private final LongSupplier nanoClock;
    private final AtomicInteger watchers = new AtomicInteger();
    private final CountDownLatch closing = new CountDownLatch(1);
    private Map<String, String> made = Map.of();
    private Optional<Long> madeAt = Optional.empty();

    /** One kind of event. */
    @FunctionalInterface
    interface Topic {
        /** What is so now, as JSON in one line. */
        String json() throws IOException;
    }

    /** Events of these kinds, by their names. */
    LiveEvents(Map<String, Topic> topics) {
        this(topics, PERIOD, System::nanoTime);
    }

    /** As above, with another time between two events. */
    LiveEvents(Map<String, Topic> topics, Duration period, LongSupplier nanoClock) {
        this.topics = new LinkedHashMap<>(topics);
        this.period = period;
        this.nanoClock = nanoClock;
    }

    /** The events from now on; empty if too many watch already. */
    Optional<AdminContent> watch() {
        return watchers.get() >= MOST_WATCHERS
                ? Optional.empty()
                : Optional.of(new AdminContent.Stream(HEADERS, this::writeTo));
    }

    /** How many watch. */
    int watchers() {
        return watchers.get();
    }

    private void writeTo(AdminContent.Sink sink) throws IOException {
        boolean admitted = watchers.incrementAndGet() <= MOST_WATCHERS;
        try {
            if (!admitted) {
                send(sink, "event: full\ndata: {}\n\n");
                return;
            }
            send(sink, "retry: 3000\n\n");
            tell(sink);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            watchers.decrementAndGet();
        }
    }

    private void tell(AdminContent.Sink sink) throws IOException, InterruptedException {
        Map<String, String> told = new HashMap<>();
        int silent = 0;
        do {
            StringBuilder news = new StringBuilder();
            current().forEach((name, json) -> {
                if (!json.equals(told.put(name, json))) {
                    news.append("event: ").append(name).append("\ndata: ").append(json);
                    news.append("\n\n");
                }
            });
            silent = news.isEmpty() ? silent + 1 : 0;
            if (silent == SILENT_PERIODS) {
                news.append(": still here\n\n");
                silent = 0;
            }
            if (!news.isEmpty()) {
                send(sink, news.toString());
            }
        } while (!closing.await(period.toMillis(), TimeUnit.MILLISECONDS));
        send(sink, "event: end\ndata: {}\n\n");
    }

    private static void send(AdminContent.Sink sink, String text) throws IOException {
        sink.send(text.getBytes(StandardCharsets.UTF_8));
    }

    private synchronized Map<String, String> current() throws IOException {
        if (madeAt.isEmpty() || nanoClock.getAsLong() - madeAt.get() > period.toNanos() / 2) {
            Map<String, String> fresh = new LinkedHashMap<>();
            for (Map.Entry<String, Topic> topic : topics.entrySet()) {
                fresh.put(topic.getKey(), topic.getValue().json());
            }
            made = fresh;
            // Not when it was begun: where making takes long, each of those who wait would make them anew.
            madeAt = Optional.of(nanoClock.getAsLong());
        }
        return made;
    }

    /** Ends all streams; each watcher is told. */
    @Override
    public void close() {
        closing.countDown();
    }
}
