package dev.entrepot.cache;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.Platform;
import dev.entrepot.oci.Repository;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * That an image is never to be evicted, nor anything under it.
 *
 * @param repository the repository
 * @param reference its tag, and then whatever that names at the time, or its digest
 * @param platforms which platforms of an index; empty for all
 * @param referrers whether what refers to any of its manifests is pinned as well, as far as it is known here
 * @param ruled whether a rule wants it, and no longer than that; else somebody pinned it by hand
 */
public record Pin(
        Repository repository,
        ManifestReference reference,
        List<Platform> platforms,
        boolean referrers,
        boolean ruled) {
    /** Copies the list. */
    public Pin {
        platforms = List.copyOf(platforms);
    }

    /** A pin by hand. */
    public Pin(Repository repository, ManifestReference reference, List<Platform> platforms, boolean referrers) {
        this(repository, reference, platforms, referrers, false);
    }

    /** A pin of everything under a reference. */
    public static Pin all(Repository repository, ManifestReference reference) {
        return new Pin(repository, reference, List.of(), true);
    }

    /** A pin of the same reference that covers what this one does, and what another one does. */
    Pin with(Pin other) {
        Set<Platform> both = new LinkedHashSet<>(platforms);
        both.addAll(other.platforms);
        boolean all = platforms.isEmpty() || other.platforms.isEmpty();
        return new Pin(
                repository,
                reference,
                all ? List.of() : List.copyOf(both),
                referrers || other.referrers,
                ruled && other.ruled);
    }

    /** As people write it: {@code host/name:tag} or {@code host/name@digest}. */
    @Override
    public String toString() {
        return repository + (reference instanceof Digest ? "@" : ":") + reference;
    }
}
