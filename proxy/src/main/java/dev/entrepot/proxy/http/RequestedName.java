package dev.entrepot.proxy.http;

import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.RepositoryName;

/**
 * The repository as the client wrote it, before it is known which upstream is meant.
 *
 * @param scope what stood before {@code /v2} and in {@code ?ns=}
 * @param path the path between {@code /v2/} and the endpoint; its first component may be a host with a port
 */
record RequestedName(RequestScope scope, String path) {
    /** Validates the grammar: a repository name, or a host with a port followed by a repository name. */
    RequestedName {
        int slash = path.indexOf('/');
        if (slash > 0 && path.lastIndexOf(':', slash) >= 0) {
            RegistryHost.parse(path.substring(0, slash));
            validateName(path.substring(slash + 1));
        } else {
            validateName(path);
        }
    }

    /** The first component may be a host, which does not count towards the 255 characters of the name proper. */
    private static void validateName(String name) {
        int slash = name.indexOf('/');
        if (name.length() > 255 && slash > 0) {
            requireName(name.substring(0, slash));
            requireName(name.substring(slash + 1));
        } else {
            requireName(name);
        }
    }

    private static void requireName(String name) {
        new RepositoryName(name);
    }

    /** The path of the URL down to the name, as the client wrote it: what links in answers begin with. */
    String urlPath() {
        return scope.urlPath() + path;
    }

    @Override
    public String toString() {
        return path;
    }
}
