package dev.entrepot.oci;

import java.util.List;
import java.util.Optional;

/**
 * A page of a tag list (distribution-spec, "Content Discovery").
 *
 * @param tags the tags of this page, in the registry's order
 * @param next an opaque cursor for the next page, or empty at the end
 * @param mayBeCut whether the list may go on although it names no next page: it is as long as registries cut lists, and
 *     what comes after was not to be had
 */
public record TagPage(List<Tag> tags, Optional<String> next, boolean mayBeCut) {
    /** Copies the list. */
    public TagPage {
        tags = List.copyOf(tags);
    }

    /** One that ends where it says so. */
    public TagPage(List<Tag> tags, Optional<String> next) {
        this(tags, next, false);
    }
}
