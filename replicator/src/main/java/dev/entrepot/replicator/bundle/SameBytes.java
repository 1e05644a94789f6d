package dev.entrepot.replicator.bundle;

import java.io.OutputStream;
import java.util.Arrays;

/** Compares what is written to it with a document; nothing is kept. Not safe for several threads. */
final class SameBytes extends OutputStream {
    private final byte[] document;
    private int at;
    private boolean same = true;

    SameBytes(byte[] document) {
        this.document = document;
    }

    @Override
    public void write(int b) {
        write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) {
        same = same
                && length <= document.length - at
                && Arrays.equals(bytes, offset, offset + length, document, at, at + length);
        at += same ? length : 0;
    }

    /** Whether all of the document was written, and nothing else. */
    boolean isSame() {
        return same && at == document.length;
    }
}
