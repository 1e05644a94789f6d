package dev.entrepot.proxy.replication;

import java.io.PrintStream;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * Shows how far something has come until it is closed: on a terminal one line that is drawn again and again and goes
 * away at the end, elsewhere a line every ten seconds. It has a thread of its own.
 */
public final class ProgressPrinter implements AutoCloseable {
    private static final Duration REDRAWN = Duration.ofMillis(200);
    private static final Duration BETWEEN_LINES = Duration.ofSeconds(10);
    private static final String CLEAR_TO_END = "\u001b[K";
    // A line that is longer than the terminal is wide is cut there.
    private static final String WRAP_OFF = "\u001b[?7l";
    private static final String WRAP_ON = "\u001b[?7h";

    private final PrintStream out;
    private final boolean terminal;
    private final Supplier<String> line;
    private final Duration interval;
    private final CountDownLatch stopped = new CountDownLatch(1);
    private final Thread thread;

    /**
     * Starts to show.
     *
     * @param terminal whether {@code out} is one
     * @param line what to show now, without a line break; empty for nothing
     */
    public ProgressPrinter(PrintStream out, boolean terminal, Supplier<String> line) {
        this(out, terminal, line, terminal ? REDRAWN : BETWEEN_LINES);
    }

    /** As above, at another interval. */
    ProgressPrinter(PrintStream out, boolean terminal, Supplier<String> line, Duration interval) {
        this.out = out;
        this.terminal = terminal;
        this.line = line;
        this.interval = interval;
        this.thread = Thread.ofVirtual().name("progress").start(this::show);
    }

    private void show() {
        try {
            while (!stopped.await(interval.toMillis(), TimeUnit.MILLISECONDS)) {
                String text = line.get();
                if (terminal) {
                    out.print("\r" + WRAP_OFF + text + CLEAR_TO_END + WRAP_ON);
                    out.flush();
                } else if (!text.isEmpty()) {
                    out.println(text);
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Ends; what comes on {@code out} afterwards starts at the beginning of a line. */
    @Override
    public void close() {
        stopped.countDown();
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        if (terminal) {
            out.print("\r" + CLEAR_TO_END);
            out.flush();
        }
    }
}
