package dev.entrepot.config;

import dev.entrepot.oci.Reference;
import java.util.List;

/**
 * Looks for upstreams whose name no reference can begin with: {@code mirror/app:v1} is {@code mirror/app} of Docker Hub
 * to every client, and to the commands here. Pulls by {@code ?ns=} or a prefix find such an upstream all the same.
 */
public final class UpstreamNames {
    private UpstreamNames() {}

    /** What to say of each that was found, and how to call it. */
    public static List<String> warnings(EntrepotConfig config) {
        return config.upstreams().keySet().stream()
                .filter(name -> !Reference.isHost(name.value()))
                .map(name -> "upstreams[" + name + "]: commands such as explain and cache warm take " + name
                        + "/NAME:TAG for an image of Docker Hub, as all clients do, because " + name
                        + " has no dot; call it " + name + ".internal or the like, and name its address in url")
                .toList();
    }
}
