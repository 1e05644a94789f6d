package dev.entrepot.config;

import dev.entrepot.oci.Reference;
import dev.entrepot.oci.RegistryHost;
import java.util.List;
import java.util.Optional;

/**
 * Looks for upstreams whose name no reference can begin with: {@code mirror/app:v1} is {@code mirror/app} of Docker Hub
 * to every client, and to the commands here, and {@code index.docker.io/app} and {@code registry-1.docker.io/app} are
 * Docker Hub's, too. Pulls by {@code ?ns=} or a prefix find such an upstream all the same.
 */
public final class UpstreamNames {
    /** What to say where there is no upstream at all. */
    public static final String NONE = "there is no upstream, and nothing can be pulled: add one, for example"
            + " upstreams: {registry.example.com: {url: https://registry.example.com}}, or take builtin-upstreams: false"
            + " away";

    private UpstreamNames() {}

    /** What to say of each that was found, and how to call it, or that there is no upstream at all. */
    public static List<String> warnings(EntrepotConfig config) {
        if (config.upstreams().isEmpty()) {
            return List.of(NONE);
        }
        return config.upstreams().keySet().stream()
                .flatMap(name -> warning(name).stream())
                .toList();
    }

    private static Optional<String> warning(RegistryHost name) {
        if (RegistryHost.OTHER_NAMES_OF_DOCKER_HUB.contains(name)) {
            return Optional.of(
                    "upstreams[" + name + "] is an upstream beside docker.io, with a cache of its own: what it says"
                            + " holds for no image that is called docker.io/NAME, or that names no registry, and commands"
                            + " such as explain and cache warm take " + name + "/NAME:TAG for docker.io/NAME:TAG; call"
                            + " it docker.io");
        }
        return Optional.of(name)
                .filter(written -> !Reference.isHost(written.value()))
                .map(written -> "upstreams[" + name + "]: commands such as explain and cache warm take " + name
                        + "/NAME:TAG for an image of Docker Hub, as all clients do, because " + name
                        + " has no dot; call it " + name + ".internal or the like, and name its address in url");
    }
}
