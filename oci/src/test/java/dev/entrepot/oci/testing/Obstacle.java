package dev.entrepot.oci.testing;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/**
 * Something in the way of a body: it slows it, stops it or cuts it. Asked before each piece; may block, and may end the
 * connection.
 */
@FunctionalInterface
public interface Obstacle {
    /**
     * Asks whether the body may go on.
     *
     * @param position body bytes that have gone before
     * @return how many more may go until this is asked again, at least 1
     * @throws IOException to cut the connection
     */
    long pass(long position) throws IOException, InterruptedException;

    /** Cuts the connection after so many bytes. */
    static Obstacle cut(long afterBytes, boolean reset) {
        return position -> {
            if (position >= afterBytes) {
                throw new ConnectionCut(reset);
            }
            return afterBytes - position;
        };
    }

    /** Waits at a gate after so many bytes. */
    static Obstacle gateAt(long afterBytes, Gate gate) {
        return position -> {
            if (position == afterBytes) {
                gate.pass();
            }
            return position < afterBytes ? afterBytes - position : Long.MAX_VALUE;
        };
    }

    /** Waits at a gate before each {@code stepBytes}. */
    static Obstacle gateEach(int stepBytes, Gate gate) {
        return position -> {
            if (position % stepBytes == 0) {
                gate.pass();
            }
            return stepBytes - position % stepBytes;
        };
    }

    /** Waits for {@code pause} of real time before each {@code stepBytes}. */
    static Obstacle drip(int stepBytes, Duration pause) {
        return position -> {
            if (position % stepBytes == 0) {
                TimeUnit.NANOSECONDS.sleep(pause.toNanos());
            }
            return stepBytes - position % stepBytes;
        };
    }

    /** Lets so many bytes through in a second of real time, in twenty pieces. */
    static Obstacle bandwidth(long bytesPerSecond) {
        long piece = Math.max(1, bytesPerSecond / 20);
        return position -> {
            if (position > 0) {
                TimeUnit.NANOSECONDS.sleep(piece * 1_000_000_000L / bytesPerSecond);
            }
            return piece;
        };
    }
}
