package dev.entrepot.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.IntStream;

/**
 * How busy the machine was with work that is not this run's: the doubt that figures have to be read with.
 *
 * @param nanos when this was taken
 * @param allSeconds processor time of everything since boot
 * @param ownSeconds processor time of this process and of all its children that have ended
 */
record CpuShare(long nanos, double allSeconds, double ownSeconds) {
    private static final double TICKS_PER_SECOND = 100;
    private static final int IDLE = 4;
    private static final int IO_WAIT = 5;

    /** The state now. All children of this process should have ended. */
    static CpuShare now() throws IOException {
        String[] all = Files.readAllLines(Path.of("/proc/stat")).getFirst().split(" +");
        double busy = IntStream.rangeClosed(1, 8)
                .filter(field -> field != IDLE && field != IO_WAIT)
                .mapToDouble(field -> Double.parseDouble(all[field]))
                .sum();
        String stat = Files.readString(Path.of("/proc/self/stat"));
        String[] own = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
        double used = IntStream.rangeClosed(11, 14)
                .mapToDouble(field -> Double.parseDouble(own[field]))
                .sum();
        return new CpuShare(System.nanoTime(), busy / TICKS_PER_SECOND, used / TICKS_PER_SECOND);
    }

    /** The share of all processors, in per cent, that others have used since {@code start}. */
    long othersPercentSince(CpuShare start) {
        double others = allSeconds - start.allSeconds - (ownSeconds - start.ownSeconds);
        double available = (nanos - start.nanos) / 1e9 * Runtime.getRuntime().availableProcessors();
        return Math.max(0, Math.round(100 * others / available));
    }
}
