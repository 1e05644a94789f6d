package dev.entrepot.proxy.http;

import dev.entrepot.oci.Repository;
import java.util.Optional;
import java.util.Set;

/**
 * Who makes a request, as far as it has been proven.
 *
 * @param user its name; empty for anybody
 * @param groups the groups that it is in
 * @param scope what the token that it showed is good for; empty where it showed something else, which is good for all
 *     that it may do
 */
public record Visitor(String user, Set<String> groups, Optional<Scope> scope) {
    /** Anybody. */
    public static final Visitor ANYBODY = new Visitor("", Set.of(), Optional.empty());

    /**
     * What a token is good for.
     *
     * @param repositories the repositories that may be pulled with it
     * @param catalog whether repositories may be listed with it
     */
    public record Scope(Set<Repository> repositories, boolean catalog) {
        /** Copies the set. */
        public Scope {
            repositories = Set.copyOf(repositories);
        }
    }

    /** Copies the groups. */
    public Visitor {
        groups = Set.copyOf(groups);
    }

    /** Somebody whose every right counts. */
    public static Visitor named(String user, Set<String> groups) {
        return new Visitor(user, groups, Optional.empty());
    }

    /** Whether it has not said who it is. */
    public boolean isAnybody() {
        return user.isEmpty();
    }
}
