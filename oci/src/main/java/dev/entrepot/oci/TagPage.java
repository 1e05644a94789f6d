package dev.entrepot.oci;

import java.util.List;
import java.util.Optional;

/**
 * A page of a tag list (distribution-spec, "Content Discovery").
 *
 * @param tags the tags of this page, in the registry's order
 * @param next an opaque cursor for the next page, or empty at the end
 */
public record TagPage(List<Tag> tags, Optional<String> next) {
    /** Copies the list. */
    public TagPage {
        tags = List.copyOf(tags);
    }
}
