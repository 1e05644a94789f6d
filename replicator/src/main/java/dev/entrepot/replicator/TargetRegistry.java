package dev.entrepot.replicator;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.RepositorySource;
import dev.entrepot.oci.RepositoryTarget;
import java.io.IOException;
import java.net.URI;
import java.util.Optional;

/** A registry, or something like one, that is copied to. Implementations are safe for all threads. */
public interface TargetRegistry {
    /** The name under which reports and metrics show it. */
    String name();

    /**
     * Where it is: the same for all that write to the same repositories, whatever they are called in reports. The
     * journal remembers it by this, so it must stay the same over restarts and changes of rules.
     */
    default String place() {
        return name();
    }

    /** One of its repositories, for writing. */
    RepositoryTarget target(RepositoryName name);

    /** The same repository, for reading what is there now; never through a cache. */
    RepositorySource reader(RepositoryName name);

    /** Where a manifest of it is for clients, as distribution's notifications say it; empty where that is no URL. */
    default Optional<URI> urlOf(RepositoryName repository, Digest manifest) {
        return Optional.empty();
    }

    /**
     * Whether what it has is on a disk of this machine and nobody but this program looks at it: then what is there is
     * read before it is believed.
     */
    default boolean isAtHand() {
        return false;
    }

    /**
     * Whether what was settled, also what was deleted, is so for others only when a run has ended complete: until then
     * another program may put something else in its place.
     */
    default boolean isPacked() {
        return false;
    }

    /**
     * A run begins to compare and to write. Called once per run, before everything else; a registry has nothing to do
     * then.
     *
     * @throws IOException if it cannot be written to
     */
    default void begin() throws IOException {}

    /**
     * A run has ended. Called once for each {@link #begin()}; a registry closes idle connections then, a tar is
     * written.
     *
     * @param complete whether everything is there that the run was to bring
     * @throws IOException if it cannot be kept
     */
    default void end(boolean complete) throws IOException {}
}
