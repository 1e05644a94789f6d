package dev.entrepot.proxy.http;

import java.io.IOException;
import java.io.OutputStream;

/**
 * The way to one client: counts what is written, watches for stalls, and tells the client's faults, which are {@link ClientGone}, from
 * those of the content, which are {@code IOException}s.
 */
final class ClientStream extends OutputStream {
    /** The client has gone or stalled; nothing more can be sent to it. */
    static final class ClientGone extends RuntimeException {
        private final boolean stalled;

        ClientGone(boolean stalled, Throwable cause) {
            super(stalled ? "the client takes nothing" : "the client has gone", cause, false, false);
            this.stalled = stalled;
        }

        /** Whether the client was still there but took nothing. */
        boolean stalled() {
            return stalled;
        }
    }

    private final OutputStream out;
    private final StallWatchdog.Transfer transfer;
    private final Exchange exchange;

    ClientStream(OutputStream out, StallWatchdog.Transfer transfer, Exchange exchange) {
        this.out = out;
        this.transfer = transfer;
        this.exchange = exchange;
    }

    @Override
    public void write(int value) {
        write(new byte[] {(byte) value}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) {
        guarded(transfer, () -> out.write(bytes, offset, length));
        exchange.wrote(length);
    }

    @Override
    public void flush() {
        guarded(transfer, out::flush);
    }

    /** Something that writes to the client. */
    interface Writing {
        /** Writes. */
        void run() throws IOException;
    }

    /**
     * Writes to the client under the watchdog's eye.
     *
     * @throws ClientGone if the client cannot be written to
     */
    static void guarded(StallWatchdog.Transfer transfer, Writing writing) {
        transfer.writing();
        Throwable failure = null;
        try {
            writing.run();
        } catch (IOException | RuntimeException e) {
            failure = e;
        }
        boolean stalled = transfer.wrote();
        if (stalled || failure != null) {
            throw new ClientGone(stalled, failure == null ? new IOException("interrupted") : failure);
        }
    }
}
