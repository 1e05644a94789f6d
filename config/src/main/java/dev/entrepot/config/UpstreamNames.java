package dev.entrepot.config;

import dev.entrepot.oci.Reference;
import java.util.List;

/**
 * Looks for upstreams whose name no reference can begin with: {@code mirror/app:v1} is {@code mirror/app} of Docker Hub
 * to every client, and to the commands here. Pulls by {@code ?ns=} or a prefix find such an upstream all the same.
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
                .filter(name -> !Reference.isHost(name.value()))
                .map(name -> "upstreams[" + name + "]: commands such as explain and cache warm take " + name
                        + "/NAME:TAG for an image of Docker Hub, as all clients do, because " + name
                        + " has no dot; call it " + name + ".internal or the like, and name its address in url")
                .toList();
    }
}
