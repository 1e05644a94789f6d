package dev.entrepot.oci.client;

import dev.entrepot.oci.RepositoryName;
import java.util.List;
import java.util.Optional;

/**
 * A page of a registry's list of repositories ({@code _catalog}, which is not in the specification but common).
 *
 * @param repositories the names of this page, in the registry's order
 * @param next an opaque cursor for the next page, or empty at the end
 */
public record CatalogPage(List<RepositoryName> repositories, Optional<String> next) {
    /** Copies the list. */
    public CatalogPage {
        repositories = List.copyOf(repositories);
    }
}
