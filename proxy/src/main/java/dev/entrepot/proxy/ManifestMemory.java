package dev.entrepot.proxy;

import dev.entrepot.config.ByteSize;
import dev.entrepot.config.Origin;
import java.util.Optional;

/**
 * How much memory manifests may take: what is configured, but no more than half of the heap, because the process would
 * die of it when the memory has filled, days later. A check of the configuration cannot find that: it runs on another
 * heap.
 *
 * @param configured what the configuration allows
 * @param heapBytes the most that the heap of this process can become
 */
record ManifestMemory(ByteSize configured, long heapBytes) {
    private static final int SHARE = 2;
    private static final long MEBIBYTE = 1024 * 1024;

    /** Of this process. */
    static ManifestMemory of(ByteSize configured) {
        return new ManifestMemory(configured, Runtime.getRuntime().maxMemory());
    }

    /** How many bytes are used at most. */
    long bytes() {
        return Math.min(configured.bytes(), heapBytes / SHARE);
    }

    /**
     * That less is used than is configured, if so, with what to do about it.
     *
     * @param origin where the configuration says how much
     */
    Optional<String> warning(Origin origin) {
        return bytes() == configured.bytes()
                ? Optional.empty()
                : Optional.of("cache.memory (" + origin + ") is " + configured + ", and the heap of this process "
                        + heapBytes / MEBIBYTE + " MiB, of which manifests may take half: " + bytes() / MEBIBYTE
                        + " MiB are used; write no more than that, or give the JVM a larger heap by " + option()
                        + " (in ENTREPOT_JAVA_OPTS for the launchers, in JDK_JAVA_OPTIONS in a container)");
    }

    private String option() {
        // The heap that a process has is less than what this says: by a part of the young generation, of which only one
        // half is used at a time.
        return "-Xmx" + Math.ceilDiv(configured.bytes() * SHARE * 5 / 4, MEBIBYTE) + "m";
    }
}
