package dev.entrepot.oci;

import java.io.IOException;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.Optional;
import java.util.SequencedSet;
import java.util.Set;

/** Reads all pages of a tag list, and refuses a list that has no end. */
public final class TagPages {
    /** Most pages of one list that are read. */
    static final int MAX_PAGES = 100_000;

    // Registries page by what they store, of which not all has a tag.
    static final int MAX_WITHOUT_NEWS = 1_000;

    private TagPages() {}

    /** Gives one page of a list. */
    @FunctionalInterface
    public interface Reader {
        /** As {@link RepositorySource#listTags}. */
        TagPage read(Optional<String> cursor) throws IOException;
    }

    /**
     * A whole list.
     *
     * @param tags the tags of all pages, each once, in the order in which they come
     * @param mayBeCut whether there may be more of them: {@link TagPage#mayBeCut()} of any page
     */
    public record Listed(SequencedSet<Tag> tags, boolean mayBeCut) {}

    /**
     * Reads all pages.
     *
     * @param of whose list it is, for messages
     * @throws InvalidContentException if the list names a next page that was read before, goes on for more than 1,000
     *     pages in a row without a tag that is new, or has more than {@link OciLimits#MAX_TAGS} tags or 100,000 pages
     * @throws IOException as the reader does
     */
    public static Listed all(Object of, Reader reader) throws IOException {
        SequencedSet<Tag> tags = new LinkedHashSet<>();
        Set<String> cursors = new HashSet<>();
        int withoutNews = 0;
        boolean mayBeCut = false;
        Optional<String> cursor = Optional.empty();
        do {
            TagPage page = reader.read(cursor);
            withoutNews = tags.addAll(page.tags()) ? 0 : withoutNews + 1;
            cursor = page.next();
            mayBeCut |= page.mayBeCut();
            if (tags.size() > OciLimits.MAX_TAGS) {
                throw new InvalidContentException(
                        "tag list of " + of + " has more than " + OciLimits.MAX_TAGS + " tags");
            }
            if (cursor.isPresent() && !cursors.add(cursor.get())) {
                throw new InvalidContentException("tag list of " + of + " repeats a page");
            }
            if (cursors.size() >= MAX_PAGES || withoutNews > MAX_WITHOUT_NEWS) {
                throw new InvalidContentException("tag list of " + of + " does not end: stopped after " + tags.size()
                        + " tags on " + cursors.size() + " pages");
            }
        } while (cursor.isPresent());
        return new Listed(tags, mayBeCut);
    }
}
