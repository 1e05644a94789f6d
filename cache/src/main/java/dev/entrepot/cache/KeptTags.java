package dev.entrepot.cache;

import dev.entrepot.oci.Tag;
import dev.entrepot.oci.TagPage;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.AbstractList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.RandomAccess;
import java.util.SortedSet;

/**
 * The tags of one repository, in order, as a view of the document that keeps them: there may be a million, of which a
 * page shows a few. A tag is made when it is asked for; what the view itself costs is four bytes for each. Immutable.
 */
final class KeptTags extends AbstractList<Tag> implements RandomAccess {
    /** {@code "","} around a tag, or the brackets in place of a comma. */
    private static final int AROUND_BYTES = 3;

    // White space, which readers of JSON pass over, so that any version reads the document.
    private static final byte MAY_BE_CUT = '\n';

    private final KeptDocument document;
    /** Where each tag begins, and where one behind the last would. */
    private final int[] starts;

    private KeptTags(KeptDocument document, int[] starts) {
        this.document = document;
        this.starts = starts;
    }

    /**
     * Writes the document of a tag list: an array of strings without spaces, in which no tag needs an escape; and a
     * line feed behind one that may be cut.
     */
    static byte[] write(SortedSet<Tag> tags, boolean mayBeCut) {
        ByteArrayOutputStream json = new ByteArrayOutputStream(2 + 24 * tags.size());
        char before = '[';
        for (Tag tag : tags) {
            json.write(before);
            json.write('"');
            json.writeBytes(tag.value().getBytes(StandardCharsets.US_ASCII));
            json.write('"');
            before = ',';
        }
        if (tags.isEmpty()) {
            json.write('[');
        }
        json.write(']');
        if (mayBeCut) {
            json.write(MAY_BE_CUT);
        }
        return json.toByteArray();
    }

    /** The tags of a document that {@link #write} has written; empty if it is none, or not in order. */
    static Optional<KeptTags> read(KeptDocument document) {
        byte[] json = document.json();
        int length = mayBeCut(json) ? json.length - 1 : json.length;
        if (length < 2 || json[0] != '[' || json[length - 1] != ']') {
            return Optional.empty();
        }
        int[] starts = new int[16];
        int count = 0;
        int position = 1;
        while (length > 2 && position < length) {
            int end = endOfTag(json, position, length);
            boolean last = end == length - 2;
            if (end < 0 || !last && json[end + 1] != ',') {
                return Optional.empty();
            }
            int start = position + 1;
            if (count > 0 && !isBefore(json, starts[count - 1], position - 2, start, end)) {
                return Optional.empty();
            }
            if (count + 1 == starts.length) {
                starts = Arrays.copyOf(starts, 2 * starts.length);
            }
            starts[count++] = start;
            position = end + 2;
        }
        starts[count] = position + 1;
        return Optional.of(new KeptTags(document, Arrays.copyOf(starts, count + 1)));
    }

    // The quote that ends the tag whose first quote is at this position; negative if there is no tag.
    private static int endOfTag(byte[] json, int position, int length) {
        if (json[position] != '"') {
            return -1;
        }
        int end = position + 1;
        while (end < length - 2 && json[end] != '"') {
            end++;
        }
        boolean tag = json[end] == '"' && Tag.isValid(json, position + 1, end);
        return tag ? end : -1;
    }

    private static boolean isBefore(byte[] json, int start, int end, int nextStart, int nextEnd) {
        return Arrays.compare(json, start, end, json, nextStart, nextEnd) < 0;
    }

    /** Whether there may be more tags than a list has that was kept: {@link TagPage#mayBeCut()}. */
    static boolean mayBeCut(List<Tag> tags) {
        return tags instanceof KeptTags kept && mayBeCut(kept.document.json());
    }

    private static boolean mayBeCut(byte[] json) {
        return json.length > 0 && json[json.length - 1] == MAY_BE_CUT;
    }

    @Override
    public Tag get(int index) {
        int start = starts[index];
        int length = starts[index + 1] - AROUND_BYTES - start;
        return new Tag(new String(document.json(), start, length, StandardCharsets.US_ASCII));
    }

    @Override
    public int size() {
        return starts.length - 1;
    }
}
