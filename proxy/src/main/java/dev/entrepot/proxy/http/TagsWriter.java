package dev.entrepot.proxy.http;

import dev.entrepot.oci.Tag;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/**
 * Writes {@code {"name":...,"tags":[...]}} (distribution-spec, "Listing Tags") from a list that others share, through
 * one buffer of at most 64 KiB: a page may have megabytes, and a client take long to read it.
 */
final class TagsWriter implements ReplyBody.Writer {
    private static final int BUFFER_BYTES = 64 * 1024;
    private static final int END_BYTES = 2;

    private final byte[] frame;
    private final List<Tag> tags;
    private final long length;

    /**
     * Prepares a page.
     *
     * @param name the repository, as the client calls it
     */
    TagsWriter(String name, List<Tag> tags) {
        this.frame = JsonDocuments.tags(name);
        this.tags = tags;
        long bytes = frame.length + Math.max(0, tags.size() - 1);
        for (Tag tag : tags) {
            bytes += 2 + tag.value().length();
        }
        this.length = bytes;
    }

    /** The length of the page in bytes. */
    long length() {
        return length;
    }

    @Override
    public void writeTo(ClientStream out) throws IOException {
        BufferedOutputStream buffered = new BufferedOutputStream(out, (int) Math.min(BUFFER_BYTES, length));
        buffered.write(frame, 0, frame.length - END_BYTES);
        boolean following = false;
        for (Tag tag : tags) {
            if (following) {
                buffered.write(',');
            }
            // Letters, digits and few signs, none of which JSON escapes.
            buffered.write('"');
            buffered.write(tag.value().getBytes(StandardCharsets.US_ASCII));
            buffered.write('"');
            following = true;
        }
        buffered.write(Arrays.copyOfRange(frame, frame.length - END_BYTES, frame.length));
        buffered.flush();
    }

    @Override
    public void close() {
        // The list is nobody's.
    }
}
