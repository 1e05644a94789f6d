package dev.entrepot.oci.testing;

import java.io.InputStream;

/** Bytes computed from a seed and their offset: eight at a time, by the finaliser of SplitMix64. */
record GeneratedContent(long seed, long sizeBytes) implements Content {
    @Override
    public InputStream open(long offset) {
        return new InputStream() {
            private long position = offset;

            @Override
            public int read() {
                return position >= sizeBytes ? -1 : byteAt(position++) & 0xff;
            }

            @Override
            public int read(byte[] buffer, int start, int length) {
                if (length == 0) {
                    return 0;
                }
                int count = (int) Math.min(length, sizeBytes - position);
                if (count <= 0) {
                    return -1;
                }
                for (int i = 0; i < count; ) {
                    long word = mix(position >>> 3);
                    for (int lane = (int) (position & 7); lane < 8 && i < count; lane++, position++) {
                        buffer[start + i++] = (byte) (word >>> (lane * 8));
                    }
                }
                return count;
            }
        };
    }

    private byte byteAt(long position) {
        return (byte) (mix(position >>> 3) >>> ((position & 7) * 8));
    }

    private long mix(long index) {
        long z = seed + (index + 1) * 0x9E3779B97F4A7C15L;
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }
}
