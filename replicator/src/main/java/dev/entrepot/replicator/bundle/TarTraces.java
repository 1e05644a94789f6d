package dev.entrepot.replicator.bundle;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.OptionalLong;

/**
 * Where a tar that is damaged at its beginning, or of which the medium does not give all of that, still has the files
 * that say what it is: their headers are looked for block by block. What is found is as good as what stands in its
 * right place: the inventory counts by its signature, and everything is compared with it.
 *
 * @param volume where the header of the volume document is
 * @param inventory where that of the inventory is
 */
record TarTraces(OptionalLong volume, OptionalLong inventory) {
    // Before the inventory there is only the index, which is that long if it has some ten thousand tags.
    private static final long SEARCHED_BYTES = 16L << 20;
    private static final int STEP_BYTES = 64 * 1024;
    // Of an optical disc; those of other media are read in whole numbers of it, or are no larger.
    private static final int SECTOR_BYTES = 2048;
    private static final byte[] COMMON = "entrepot/".getBytes(StandardCharsets.US_ASCII);

    /**
     * Looks for them.
     *
     * @throws IOException if more than {@value BadReads#MOST} sectors on the way cannot be read
     */
    static TarTraces in(FileChannel channel) throws IOException {
        OptionalLong volume = OptionalLong.empty();
        int bad = 0;
        for (long start = 0; start < SEARCHED_BYTES; start += STEP_BYTES) {
            Step read = step(channel, start, BadReads.MOST - bad);
            byte[] step = read.bytes();
            bad += read.bad();
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

    /** A piece of the file, with zeros for what could not be read of it. */
    @SuppressWarnings("ArrayRecordComponent")
    private record Step(byte[] bytes, int bad) {}

    private static Step step(FileChannel channel, long start, int mostBad) throws IOException {
        try {
            return new Step(TarFound.bytes(channel, start, STEP_BYTES), 0);
        } catch (IOException e) {
            if (!UnreadableException.isOfTheMedium(e)) {
                throw e;
            }
        }
        byte[] bytes = new byte[Math.clamp(channel.size() - start, 0, STEP_BYTES)];
        int bad = 0;
        for (int at = 0; at < bytes.length; at += SECTOR_BYTES) {
            try {
                byte[] sector = TarFound.bytes(channel, start + at, Math.min(SECTOR_BYTES, bytes.length - at));
                System.arraycopy(sector, 0, bytes, at, sector.length);
            } catch (IOException e) {
                bad++;
                if (!UnreadableException.isOfTheMedium(e) || bad > mostBad) {
                    throw e;
                }
            }
        }
        return new Step(bytes, bad);
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
