package dev.entrepot.oci.client;

import dev.entrepot.oci.RepositoryName;

/**
 * What a token is asked for (distribution, "Token Scope Documentation"): {@code type:name:action[,action]}.
 *
 * @param value the text
 */
record Scope(String value) implements Comparable<Scope> {
    /** To list repositories. */
    static final Scope CATALOG = new Scope("registry:catalog:*");

    /** To read a repository. */
    static Scope pull(RepositoryName name) {
        return new Scope("repository:" + name + ":pull");
    }

    /** To read and write a repository. */
    static Scope push(RepositoryName name) {
        return new Scope("repository:" + name + ":pull,push");
    }

    /** To read, write and delete in a repository. */
    static Scope delete(RepositoryName name) {
        return new Scope("repository:" + name + ":pull,push,delete");
    }

    @Override
    public int compareTo(Scope other) {
        return value.compareTo(other.value);
    }

    @Override
    public String toString() {
        return value;
    }
}
