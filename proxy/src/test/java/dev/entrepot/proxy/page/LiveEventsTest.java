package dev.entrepot.proxy.page;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.proxy.admin.AdminContent;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

class LiveEventsTest {
    private final AtomicReference<String> state = new AtomicReference<>("1");
    private final AtomicInteger made = new AtomicInteger();
    private final BlockingQueue<String> sent = new LinkedBlockingQueue<>();
    private final LiveEvents events = new LiveEvents(
            Map.of("topic", () -> {
                made.incrementAndGet();
                return state.get();
            }),
            Duration.ofMillis(5),
            System::nanoTime);

    private Thread watching(AdminContent.Sink sink) {
        AdminContent.Stream stream = (AdminContent.Stream) events.watch().orElseThrow();
        return Thread.ofVirtual().start(() -> {
            try {
                stream.writer().writeTo(sink);
            } catch (IOException e) {
                sent.add("gone");
            }
        });
    }

    private String next() throws InterruptedException {
        String next = sent.poll(20, TimeUnit.SECONDS);
        return next == null ? "nothing came" : next;
    }

    private void collect(byte[] bytes) {
        sent.add(new String(bytes, StandardCharsets.UTF_8));
    }

    @Test
    void onlyWhatHasChangedIsToldAndSilenceIsBroken() throws Exception {
        Thread watcher = watching(this::collect);
        assertThat(next()).isEqualTo("retry: 3000\n\n");
        assertThat(next()).isEqualTo("event: topic\ndata: 1\n\n");
        assertThat(next()).isEqualTo(": still here\n\n");
        state.set("2");
        String news = next();
        while (news.startsWith(":")) {
            news = next();
        }
        assertThat(news).isEqualTo("event: topic\ndata: 2\n\n");
        events.close();
        watcher.join();
        assertThat(sent).last().isEqualTo("event: end\ndata: {}\n\n");
        assertThat(events.watchers()).isZero();
    }

    @Test
    void nothingIsMadeWhileNobodyWatchesAndWhoLeavesFreesItsPlace() throws Exception {
        assertThat(made).hasValue(0);
        Thread watcher = watching(bytes -> {
            throw new IOException("gone");
        });
        assertThat(next()).isEqualTo("gone");
        watcher.join();
        assertThat(events.watchers()).isZero();
        assertThat(made).hasValue(0);
    }

    @Test
    void figuresThatTakeLongToMakeAreMadeOnceForAllWhoWait() throws Exception {
        AtomicLong nanos = new AtomicLong();
        AtomicInteger times = new AtomicInteger();
        LiveEvents slow = new LiveEvents(
                Map.of("topic", () -> {
                    nanos.addAndGet(Duration.ofMinutes(2).toNanos());
                    return String.valueOf(times.incrementAndGet());
                }),
                Duration.ofMinutes(1),
                nanos::get);
        for (int i = 0; i < 3; i++) {
            AdminContent.Stream stream = (AdminContent.Stream) slow.watch().orElseThrow();
            assertThatThrownBy(() -> stream.writer().writeTo(bytes -> {
                        collect(bytes);
                        if (sent.stream().anyMatch(text -> text.startsWith("event"))) {
                            throw new IOException("gone");
                        }
                    }))
                    .hasMessage("gone");
            sent.clear();
        }
        assertThat(times).hasValue(1);
    }

    @Test
    void figuresThatCannotBeMadeEndTheStream() {
        LiveEvents broken = new LiveEvents(
                Map.of("topic", () -> {
                    throw new IOException("the disk is gone");
                }),
                Duration.ofMillis(5),
                System::nanoTime);
        AdminContent.Stream stream = (AdminContent.Stream) broken.watch().orElseThrow();
        assertThatThrownBy(() -> stream.writer().writeTo(this::collect)).hasMessage("the disk is gone");
        assertThat(broken.watchers()).isZero();
    }
}
