package dev.entrepot.cache;

import java.time.Duration;

/**
 * The numbers that steer a fetch in flight.
 *
 * @param holdBackBytes how many of the last bytes stay invisible until the digest is known to be right
 * @param aheadBytes how far beyond the fill a reader must be to read from the upstream itself
 * @param windowBytes how much such a reader asks the upstream for at once
 * @param attempts how often in a row the upstream may fail with less than 8 KiB of progress
 * @param firstPause the pause after the first such failure; doubled after each further one
 * @param patience how long a reader waits without progress before it gives up; in the background without the time in
 *     which the fetch waits for its turn at the upstream
 */
public record FetchSettings(
        int holdBackBytes, long aheadBytes, long windowBytes, int attempts, Duration firstPause, Duration patience) {
    /**
     * What production uses: an upstream that starts anew has some 13 s for it, since clients that are cut may not ask
     * again.
     */
    public static final FetchSettings DEFAULT =
            new FetchSettings(16 * 1024, 4L << 20, 4L << 20, 7, Duration.ofMillis(200), Duration.ofMinutes(10));
}
