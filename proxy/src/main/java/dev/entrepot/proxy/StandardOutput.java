package dev.entrepot.proxy;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Pipe;
import java.nio.channels.WritableByteChannel;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Standard output, which remembers what it could not write: {@link java.io.PrintStream}, through which answers go,
 * tells nobody. Safe for all threads.
 */
final class StandardOutput extends OutputStream {
    // What the operating system says where whoever reads has gone, as head does when it has seen enough. In the
    // language of the user it says something else.
    private static final String GONE = "Broken pipe";

    private final OutputStream out;
    private volatile @Nullable IOException failure;

    /** That of the process. */
    StandardOutput() {
        this(new FileOutputStream(FileDescriptor.out));
    }

    StandardOutput(OutputStream out) {
        this.out = out;
    }

    @Override
    public void write(int b) throws IOException {
        write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
        try {
            out.write(bytes, offset, length);
        } catch (IOException e) {
            failure = e;
            throw e;
        }
    }

    /**
     * Why something was lost that somebody may miss; empty if nothing was, or if whoever read has gone, who has what he
     * wanted.
     */
    Optional<String> lost() {
        return Optional.ofNullable(failure).map(FailureWords::of).filter(words -> !isGone(words));
    }

    private static boolean isGone(String words) {
        return words.equals(GONE) || words.equals(ofBrokenPipe());
    }

    /** What the operating system says here where whoever reads has gone. */
    static String ofBrokenPipe() {
        try {
            Pipe pipe = Pipe.open();
            try (WritableByteChannel end = pipe.sink()) {
                pipe.source().close();
                end.write(ByteBuffer.allocate(1));
                return GONE;
            }
        } catch (IOException e) {
            return FailureWords.of(e);
        }
    }
}
