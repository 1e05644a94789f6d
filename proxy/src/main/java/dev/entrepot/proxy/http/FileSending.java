package dev.entrepot.proxy.http;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.SocketChannel;

/**
 * Sends bytes of a file to a client from within the kernel, and only as many as the socket takes at once. The system
 * call would otherwise hold the carrier of the virtual thread for as long as the client takes, and with it all other
 * clients; so the socket refuses to block during the call.
 */
final class FileSending {
    /** What one call sends at most: a disk that must be read first holds the carrier for that long. */
    private static final long CALL_BYTES = 4L << 20;
    /**
     * After this time others get their turn, however fast the client is; not more often, since a turn costs waking
     * another thread.
     */
    private static final long TURN_NANOS = 5_000_000;

    private FileSending() {}

    /**
     * Sends what the client takes without waiting.
     *
     * @param position offset in the file
     * @param count how many bytes at most
     * @return the number of bytes sent; 0 also for a failure, which the next plain read or write then meets
     */
    static long send(FileChannel file, long position, long count, SocketChannel client) {
        long sent = 0;
        long turnBegan = System.nanoTime();
        while (sent < count) {
            long wanted = Math.min(CALL_BYTES, count - sent);
            long taken = sendOnce(file, position + sent, wanted, client);
            sent += taken;
            if (taken < wanted) {
                break;
            }
            if (System.nanoTime() - turnBegan > TURN_NANOS) {
                Thread.yield();
                turnBegan = System.nanoTime();
            }
        }
        return sent;
    }

    private static long sendOnce(FileChannel file, long position, long count, SocketChannel client) {
        try {
            client.configureBlocking(false);
            try {
                return Math.max(0, file.transferTo(position, count, client));
            } finally {
                client.configureBlocking(true);
            }
        } catch (IOException e) {
            return 0;
        }
    }
}
