package dev.entrepot.oci;

import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;

/**
 * The host that names a registry in references, with its port where one is written: {@code docker.io},
 * {@code localhost:5000}, {@code [::1]:5000}. It is a name, not an address: where requests for it go is a matter of
 * configuration.
 *
 * @param value the canonical text, in lower case
 */
public record RegistryHost(String value) implements Comparable<RegistryHost> {
    // Before the constant, whose constructor uses it.
    private static final Pattern GRAMMAR = Pattern.compile(
            "(?:[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?(?:\\.[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?)*|\\[[0-9a-f:.]{2,45}])(?::[0-9]{1,5})?");

    /** The name of Docker Hub in references. */
    public static final RegistryHost DOCKER_HUB = new RegistryHost("docker.io");

    /**
     * What else Docker Hub is called: {@code index.docker.io}, its name in references of old and in configurations of
     * clients, and {@code registry-1.docker.io}, where its API is.
     */
    public static final List<RegistryHost> OTHER_NAMES_OF_DOCKER_HUB =
            List.of(new RegistryHost("index.docker.io"), new RegistryHost("registry-1.docker.io"));

    /** Validates the grammar. */
    public RegistryHost {
        if (value.length() > 255 || !GRAMMAR.matcher(value).matches() || !portInRange(value)) {
            throw new InvalidNameException(
                    "registry host", value, "a host name or address, with :port where it is not the default");
        }
    }

    /**
     * Parses a host, folding it to lower case.
     *
     * @throws InvalidNameException if the text is not a host
     */
    public static RegistryHost parse(String text) {
        // Only ASCII is folded: a Kelvin sign, for one, would become a k, and another host's name this one's.
        boolean ascii = text.chars().allMatch(c -> c < 128);
        return new RegistryHost(ascii ? text.toLowerCase(Locale.ROOT) : text);
    }

    private static boolean portInRange(String value) {
        int colon = value.lastIndexOf(':');
        if (colon < 0 || value.endsWith("]")) {
            return true;
        }
        int port = Integer.parseInt(value.substring(colon + 1));
        return port > 0 && port < 65536;
    }

    /** The text without the port. */
    public String hostWithoutPort() {
        int colon = value.lastIndexOf(':');
        return colon < 0 || value.endsWith("]") ? value : value.substring(0, colon);
    }

    /** Whether this is Docker Hub, whose one-component repositories live under {@code library/}. */
    public boolean isDockerHub() {
        return equals(DOCKER_HUB);
    }

    @Override
    public int compareTo(RegistryHost other) {
        return value.compareTo(other.value);
    }

    @Override
    public String toString() {
        return value;
    }
}
