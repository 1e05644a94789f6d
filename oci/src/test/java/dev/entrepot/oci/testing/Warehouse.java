package dev.entrepot.oci.testing;

import dev.entrepot.oci.RepositoryName;
import java.util.Optional;
import java.util.SortedMap;
import java.util.concurrent.ConcurrentSkipListMap;

/** The repositories of a {@link TestRegistry}. Safe for all threads. */
final class Warehouse {
    private final SortedMap<RepositoryName, Shelf> shelves = new ConcurrentSkipListMap<>();

    /** A repository, which is created if it is not there. */
    Shelf open(RepositoryName name) {
        return shelves.computeIfAbsent(name, _ -> new Shelf());
    }

    /** A repository, if it is there. */
    Optional<Shelf> find(RepositoryName name) {
        return Optional.ofNullable(shelves.get(name));
    }

    /** All repositories. */
    SortedMap<RepositoryName, Shelf> all() {
        return shelves;
    }
}
