package dev.entrepot.proxy.replication;

import java.io.PrintStream;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * Shows how far something has come until it is closed: on a terminal one line that is drawn again and again and goes away at the end, elsewhere a line
 * every ten seconds. It has a thread of its own.
 */
public final class ProgressPrinter implements AutoCloseable {
    private static final long TERMINAL_MILLIS = 200;
    private static final long PLAIN_MILLIS = 10_000;
    private static final String CLEAR_TO_END = "\u001b[K";

    private final PrintStream out;
    private final boolean terminal;
    private final Supplier<String> line;
    private final CountDownLatch stopped = new CountDownLatch(1);
    private final Thread thread;

    /**
     * Starts to show.
     *
     * @param terminal whether {@code out} is one
     * @param line what to show now, without a line break; empty for nothing
     */
    public ProgressPrinter(PrintStream out, boolean terminal, Supplier<String> line) {
        this.out = out;
        this.terminal = terminal;
        this.line = line;
        this.thread = Thread.ofVirtual().name("progress").start(this::show);
    }

    private void show() {
        try {
            while (!stopped.await(terminal ? TERMINAL_MILLIS : PLAIN_MILLIS, TimeUnit.MILLISECONDS)) {
                String text = line.get();
                if (terminal) {
                    out.print("\r" + text + CLEAR_TO_END);
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
