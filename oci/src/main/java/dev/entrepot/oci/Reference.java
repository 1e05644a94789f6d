package dev.entrepot.oci;

import java.util.Optional;

/**
 * A whole reference as people write it: {@code host/name:tag}, {@code host/name@digest} or
 * {@code host/name:tag@digest}.
 *
 * @param repository the repository
 * @param tag the tag, where one is written
 * @param digest the digest, where one is written; it wins over the tag
 */
public record Reference(Repository repository, Optional<Tag> tag, Optional<Digest> digest) {
    private static final Tag LATEST = new Tag("latest");

    /**
     * Parses a reference. As in all clients, a first component without a dot, a colon or the name {@code localhost} is
     * not a host but part of a Docker Hub name, and Hub's one-component names are put under {@code library/}. What else
     * Hub is called ({@link RegistryHost#OTHER_NAMES_OF_DOCKER_HUB}) is Hub.
     *
     * @throws InvalidNameException if the text is not a reference
     */
    public static Reference parse(String text) {
        String rest = text;
        Optional<Digest> digest = Optional.empty();
        int at = rest.indexOf('@');
        if (at >= 0) {
            digest = Optional.of(Digest.parse(rest.substring(at + 1)));
            rest = rest.substring(0, at);
        }
        Optional<Tag> tag = Optional.empty();
        int colon = rest.lastIndexOf(':');
        if (colon > rest.lastIndexOf('/') && rest.indexOf('/') >= 0 || colon > 0 && rest.indexOf('/') < 0) {
            tag = Optional.of(new Tag(rest.substring(colon + 1)));
            rest = rest.substring(0, colon);
        }
        return new Reference(repository(rest), tag, digest);
    }

    /**
     * Whether the first component of a reference is taken for the registry's host, by all clients. Case does not count:
     * no repository has upper case.
     */
    public static boolean isHost(String first) {
        return first.indexOf('.') >= 0 || first.indexOf(':') >= 0 || first.equalsIgnoreCase("localhost");
    }

    private static Repository repository(String text) {
        int slash = text.indexOf('/');
        String first = slash < 0 ? "" : text.substring(0, slash);
        boolean host = isHost(first);
        RegistryHost written = host ? RegistryHost.parse(first) : RegistryHost.DOCKER_HUB;
        RegistryHost registry =
                RegistryHost.OTHER_NAMES_OF_DOCKER_HUB.contains(written) ? RegistryHost.DOCKER_HUB : written;
        RepositoryName name = new RepositoryName(host ? text.substring(slash + 1) : text);
        if (registry.isDockerHub() && !name.isNested()) {
            name = new RepositoryName("library/" + name);
        }
        return new Repository(registry, name);
    }

    /** What to ask the registry for: the digest if there is one, else the tag, else {@code latest}. */
    public ManifestReference manifest() {
        return digest.<ManifestReference>map(d -> d).orElseGet(() -> tag.orElse(LATEST));
    }

    @Override
    public String toString() {
        return repository
                + tag.map(t -> ":" + t).orElse("")
                + digest.map(d -> "@" + d).orElse("");
    }
}
