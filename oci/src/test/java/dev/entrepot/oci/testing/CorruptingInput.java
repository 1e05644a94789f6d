package dev.entrepot.oci.testing;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;

/** Hands on a stream with every bit of one byte turned; an offset below zero turns none. */
final class CorruptingInput extends FilterInputStream {
    private final long target;
    private long position;

    CorruptingInput(InputStream in, long target) {
        super(in);
        this.target = target;
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] buffer, int offset, int length) throws IOException {
        int count = in.read(buffer, offset, length);
        if (count > 0) {
            if (target >= position && target < position + count) {
                buffer[offset + (int) (target - position)] ^= (byte) 0xff;
            }
            position += count;
        }
        return count;
    }
}
