package dev.entrepot.proxy.http;

import dev.entrepot.oci.Repository;
import java.util.Set;

/** Lets everybody pull everything, and asks nobody. */
final class OpenGate implements Gate {
    @Override
    public boolean isOpen() {
        return true;
    }

    @Override
    public Visitor identify(Approach approach) {
        return Visitor.ANYBODY;
    }

    @Override
    public void requirePing(Visitor visitor, Approach approach) {
        // everybody may
    }

    @Override
    public void requireCatalog(Visitor visitor, Approach approach) {
        // everybody may
    }

    @Override
    public void requirePull(Visitor visitor, Repository repository, Approach approach) {
        // everybody may
    }

    @Override
    public boolean isStranger(Visitor visitor) {
        return false;
    }

    @Override
    public boolean mayPull(Visitor visitor, Repository repository) {
        return true;
    }

    @Override
    public boolean givesTokens() {
        return false;
    }

    @Override
    public GivenToken give(Visitor visitor, Set<Repository> wanted, boolean catalog) {
        throw new IllegalStateException("no tokens are given out here");
    }
}
