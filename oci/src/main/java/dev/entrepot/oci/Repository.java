package dev.entrepot.oci;

/**
 * A repository of a named registry: the scope within which tags live, blobs are linked and rights are granted.
 *
 * @param registry the registry's name in references
 * @param name the repository's name there
 */
public record Repository(RegistryHost registry, RepositoryName name) implements Comparable<Repository> {
    /**
     * Parses {@code host/name}.
     *
     * @throws InvalidNameException if the text is not of that form
     */
    public static Repository parse(String text) {
        int slash = text.indexOf('/');
        if (slash < 0) {
            throw new InvalidNameException("repository", text, "host/name, for example docker.io/library/alpine");
        }
        return new Repository(
                RegistryHost.parse(text.substring(0, slash)), new RepositoryName(text.substring(slash + 1)));
    }

    @Override
    public int compareTo(Repository other) {
        int byRegistry = registry.compareTo(other.registry);
        return byRegistry != 0 ? byRegistry : name.compareTo(other.name);
    }

    // Written out for speed: part of the key of most of what is looked up.
    @Override
    public int hashCode() {
        return 31 * registry.value().hashCode() + name.value().hashCode();
    }

    @Override
    public String toString() {
        return registry + "/" + name;
    }
}
