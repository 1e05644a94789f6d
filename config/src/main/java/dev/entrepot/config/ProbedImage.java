package dev.entrepot.config;

import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;

/**
 * What an upstream is supposed to have, by which a check finds out what it can do.
 *
 * @param repository the repository there
 * @param tag a tag of it
 */
public record ProbedImage(RepositoryName repository, Tag tag) {
    /** What the text may be. */
    static final String ALLOWED =
            "a repository of this registry, with a tag where that is not latest, for example team/app:1.2";

    private static final Tag USUAL = new Tag("latest");

    /**
     * Parses {@code team/app} or {@code team/app:1.2}.
     *
     * @throws dev.entrepot.oci.InvalidNameException if the text is not of that form
     */
    public static ProbedImage parse(String text) {
        int colon = text.indexOf(':');
        return colon < 0
                ? new ProbedImage(new RepositoryName(text), USUAL)
                : new ProbedImage(new RepositoryName(text.substring(0, colon)), new Tag(text.substring(colon + 1)));
    }

    @Override
    public String toString() {
        return repository + ":" + tag;
    }
}
