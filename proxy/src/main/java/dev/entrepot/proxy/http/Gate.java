package dev.entrepot.proxy.http;

import dev.entrepot.oci.Repository;
import java.time.Duration;
import java.time.Instant;
import java.util.Set;

/** Knows who clients are and what they may pull. Safe for all threads. */
public interface Gate {
    /** Lets everybody pull everything. */
    Gate OPEN = new OpenGate();

    /** Whether everybody may pull everything, so that nothing else here need be asked. */
    boolean isOpen();

    /**
     * Finds out who a client is.
     *
     * @throws AccessRefusedException if it shows what proves nothing, or too often
     */
    Visitor identify(Approach approach) throws AccessRefusedException;

    /**
     * Refuses requests that name no repository, so that clients learn here how to say who they are.
     *
     * @throws AccessRefusedException if clients must say who they are, and this one did not
     */
    void requirePing(Visitor visitor, Approach approach) throws AccessRefusedException;

    /**
     * Refuses who may not list repositories.
     *
     * @throws AccessRefusedException with what would have to be shown
     */
    void requireCatalog(Visitor visitor, Approach approach) throws AccessRefusedException;

    /**
     * Refuses who may not pull from a repository.
     *
     * @throws AccessRefusedException with why, or with what would have to be shown
     */
    void requirePull(Visitor visitor, Repository repository, Approach approach) throws AccessRefusedException;

    /** Whether a client should first say who it is, to hear which registries are configured here. */
    boolean isStranger(Visitor visitor);

    /** Whether a client may pull from a repository, whatever its token is good for. */
    boolean mayPull(Visitor visitor, Repository repository);

    /** Whether tokens are given out here. */
    boolean givesTokens();

    /**
     * Gives out a token for what of the wishes is allowed, which may be nothing.
     *
     * @param wanted the repositories that are to be pulled from
     * @param catalog whether repositories are to be listed
     * @throws AccessRefusedException if the client itself has shown one of these tokens, which would else have no end
     *     and no bounds
     */
    GivenToken give(Visitor visitor, Set<Repository> wanted, boolean catalog) throws AccessRefusedException;

    /**
     * A token.
     *
     * @param text the token itself
     * @param issued when it was given out
     * @param lasts how long it is good
     */
    record GivenToken(String text, Instant issued, Duration lasts) {
        /** Without the token. */
        @Override
        public String toString() {
            return "GivenToken[" + issued + ", " + lasts + "]";
        }
    }
}
