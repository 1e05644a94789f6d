package dev.entrepot.proxy.http;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.util.List;
import java.util.OptionalLong;
import java.util.function.Function;

/**
 * Writes a JSON object that ends with a list, from elements that others share, through one buffer of at most 64 KiB: a
 * page may have megabytes, and a client take long to read it.
 *
 * @param <T> an element
 */
final class ListWriter<T> implements ReplyBody.Writer {
    /** What ends the list and the object. */
    private static final int END_BYTES = 2;

    private final byte[] frame;
    private final List<T> elements;
    private final Function<T, byte[]> json;
    private final long length;

    /**
     * Prepares a page.
     *
     * @param frame the object with an empty list
     * @param json writes an element, the same each time
     * @param elementBytes the length of all elements together, without what is between them
     */
    ListWriter(byte[] frame, List<T> elements, Function<T, byte[]> json, long elementBytes) {
        this.frame = frame;
        this.elements = elements;
        this.json = json;
        this.length = frame.length + elementBytes + Math.max(0, elements.size() - 1);
    }

    /** The body of an answer; for HEAD, only its length is sent. */
    ReplyBody body(boolean head) {
        OptionalLong known = OptionalLong.of(length);
        return head ? new ReplyBody.Unopened(known) : new ReplyBody.Stream(known, this);
    }

    @Override
    public void writeTo(ClientStream out) throws IOException {
        BufferedOutputStream buffered =
                new BufferedOutputStream(out, (int) Math.min(ClientStream.MOST_AT_ONCE, length));
        buffered.write(frame, 0, frame.length - END_BYTES);
        boolean following = false;
        for (T element : elements) {
            if (following) {
                buffered.write(',');
            }
            buffered.write(json.apply(element));
            following = true;
        }
        buffered.write(frame, frame.length - END_BYTES, END_BYTES);
        buffered.flush();
    }

    @Override
    public void close() {
        // There is nothing to close.
    }
}
