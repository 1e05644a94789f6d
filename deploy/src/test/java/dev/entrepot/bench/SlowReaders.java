package dev.entrepot.bench;

import java.io.Closeable;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** Clients that read 4 KiB per second each, with small receive buffers, until closed. */
final class SlowReaders implements Closeable {
    private static final int STEP_BYTES = 1024;
    private static final Duration STEP = Duration.ofMillis(250);
    private static final int RECEIVE_BUFFER_BYTES = 8 * 1024;

    private final List<SocketChannel> channels = new ArrayList<>();
    private final Thread reader = Thread.ofPlatform().name("slow-readers").unstarted(this::run);
    private volatile boolean closed;
    private volatile int lost;

    private SlowReaders() {}

    /** Opens {@code count} readers, which ask for the paths in turn. */
    static SlowReaders open(Place place, int count, List<String> paths) throws IOException {
        SlowReaders readers = new SlowReaders();
        for (int i = 0; i < count; i++) {
            SocketChannel channel = SocketChannel.open();
            readers.channels.add(channel);
            channel.setOption(StandardSocketOptions.SO_RCVBUF, RECEIVE_BUFFER_BYTES);
            channel.connect(new InetSocketAddress("127.0.0.1", place.port()));
            String request = "GET " + paths.get(i % paths.size()) + " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
            channel.write(ByteBuffer.wrap(request.getBytes(StandardCharsets.US_ASCII)));
            channel.configureBlocking(false);
        }
        readers.reader.start();
        return readers;
    }

    /** How many were cut off by the server. */
    int lost() {
        return lost;
    }

    private void run() {
        ByteBuffer buffer = ByteBuffer.allocateDirect(STEP_BYTES);
        List<SocketChannel> open = new ArrayList<>(channels);
        while (!closed) {
            open.removeIf(channel -> isAtEnd(channel, buffer.clear()));
            lost = channels.size() - open.size();
            LockSupport.parkNanos(STEP.toNanos());
        }
    }

    private static boolean isAtEnd(SocketChannel channel, ByteBuffer buffer) {
        try {
            return channel.read(buffer) < 0;
        } catch (IOException e) {
            return true;
        }
    }

    @Override
    public void close() throws IOException {
        closed = true;
        try {
            reader.join(TimeUnit.SECONDS.toMillis(10));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        for (SocketChannel channel : channels) {
            channel.close();
        }
    }
}
