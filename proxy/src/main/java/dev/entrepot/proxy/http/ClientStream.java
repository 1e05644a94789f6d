package dev.entrepot.proxy.http;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.FileChannel;
import java.nio.channels.SocketChannel;
import java.util.Optional;

/**
 * The way to one client: counts what is written, watches for stalls, and tells the client's faults, which are
 * {@link ClientGone}, from those of the content, which are {@code IOException}s.
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

    /**
     * The most that is written at once, in bytes: the time that it takes is what a stall is told by, and the server may
     * hold a copy of it until the client has taken it.
     */
    static final int MOST_AT_ONCE = 64 * 1024;

    private final OutputStream out;
    private final StallWatchdog.Transfer transfer;
    private final Exchange exchange;
    private final Optional<SocketChannel> channel;
    private boolean headersSent;

    /**
     * The way to a client.
     *
     * @param channel its socket, where nothing (TLS, chunks) comes between it and the body
     */
    ClientStream(
            OutputStream out, StallWatchdog.Transfer transfer, Exchange exchange, Optional<SocketChannel> channel) {
        this.out = out;
        this.transfer = transfer;
        this.exchange = exchange;
        this.channel = channel;
    }

    /** Whether {@link #send} may send anything. */
    boolean sendsFiles() {
        return channel.isPresent();
    }

    /**
     * Sends bytes of a file without copying them, as many as the client takes at once and never waiting for it. The
     * headers go with the first write, so that nothing is sent before.
     *
     * @param position offset in the file
     * @param count how many bytes at most
     * @return the number of bytes sent; with 0 bytes, only a write can tell whether the client is slow or gone
     */
    long send(FileChannel file, long position, long count) {
        if (channel.isEmpty() || !headersSent) {
            return 0;
        }
        long sent = FileSending.send(file, position, count, channel.get());
        exchange.wrote(sent);
        return sent;
    }

    @Override
    public void write(int value) {
        write(new byte[] {(byte) value}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) {
        int end = offset + length;
        for (int position = offset; position < end; position += MOST_AT_ONCE) {
            int from = position;
            int count = Math.min(MOST_AT_ONCE, end - from);
            guarded(transfer, () -> out.write(bytes, from, count));
            headersSent = true;
            exchange.wrote(count);
        }
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
