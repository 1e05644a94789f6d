package dev.entrepot.proxy.http;

import dev.entrepot.oci.Repository;
import java.util.Optional;

/**
 * A client before the gate, for the time of one request.
 *
 * @param gate what it stands before
 * @param visitor who it is
 * @param approach how it came
 */
record Guest(Gate gate, Visitor visitor, Approach approach) {
    /** Anybody, before an open gate. */
    static final Guest ANYBODY = new Guest(
            Gate.OPEN, Visitor.ANYBODY, new Approach(Optional.empty(), Optional.empty(), ClientAddress.of(null), ""));

    /** Refuses who must say who it is, and did not. */
    void requirePing() throws AccessRefusedException {
        gate.requirePing(visitor, approach);
    }

    /** Refuses who may not list repositories. */
    void requireCatalog() throws AccessRefusedException {
        gate.requireCatalog(visitor, approach);
    }

    /** Refuses who may not pull from a repository. */
    void requirePull(Repository repository) throws AccessRefusedException {
        gate.requirePull(visitor, repository, approach);
    }

    /** Whether it should first say who it is, to hear which registries are configured here. */
    boolean isStranger() {
        return gate.isStranger(visitor);
    }

    /** Whether it may pull from a repository. */
    boolean mayPull(Repository repository) {
        return gate.mayPull(visitor, repository);
    }
}
