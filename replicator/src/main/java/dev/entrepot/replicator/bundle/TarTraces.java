package dev.entrepot.replicator.bundle;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.OptionalLong;

/**
 * Where a tar that is damaged at its beginning still has the files that say what it is: their headers are looked for block by block. What is found is as good as what stands in its right place: the
 * inventory counts by its signature, and everything is compared with it.
 *
 * @param volume where the header of the volume document is
 * @param inventory where that of the inventory is
 */
record TarTraces(OptionalLong volume, OptionalLong inventory) {
    // Before the inventory there is only the index, which is that long if it has some ten thousand tags.
    private static final long SEARCHED_BYTES = 16L << 20;
    private static final int STEP_BYTES = 64 * 1024;
    private static final byte[] COMMON = "entrepot/".getBytes(StandardCharsets.US_ASCII);

    /** Looks for them. */
    static TarTraces in(FileChannel channel) throws IOException {
        OptionalLong volume = OptionalLong.empty();
        for (long start = 0; start < SEARCHED_BYTES; start += STEP_BYTES) {
            byte[] step = TarFound.bytes(channel, start, STEP_BYTES);
            for (int at = 0; at + TarHeader.BLOCK_BYTES <= step.length; at += TarHeader.BLOCK_BYTES) {
                String name = name(step, at);
                if (name.equals(VolumePlan.INVENTORY)) {
                    return new TarTraces(volume, OptionalLong.of(start + at));
                }
                if (name.equals(VolumePlan.VOLUME) && volume.isEmpty()) {
                    volume = OptionalLong.of(start + at);
                }
            }
            if (step.length < STEP_BYTES) {
                break;
            }
        }
        return new TarTraces(volume, OptionalLong.empty());
    }

    private static String name(byte[] step, int at) {
        boolean worth = Arrays.equals(step, at, at + COMMON.length, COMMON, 0, COMMON.length);
        return worth
                ? TarFound.parse(Arrays.copyOfRange(step, at, at + TarHeader.BLOCK_BYTES))
                        .map(TarFound::name)
                        .orElse("")
                : "";
    }
}
