package dev.entrepot.replicator.graph;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Manifest;
import dev.entrepot.oci.Platform;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * What of a graph is wanted.
 *
 * @param platforms the platforms whose images are wanted, or empty for all
 * @param referrers which referrers and cosign tags are wanted
 */
public record GraphScope(List<Platform> platforms, ReferrerFilter referrers) {
    /** Everything. */
    public static final GraphScope WHOLE = new GraphScope(List.of(), ReferrerFilter.ALL);

    private static final String ATTESTED = "vnd.docker.reference.digest";

    /** Copies the list. */
    public GraphScope {
        platforms = List.copyOf(platforms);
    }

    /**
     * The children of an index that are wanted: those of a wanted platform; those that state no platform, which are nested indexes and
     * artifacts; and BuildKit's attestations of children that are wanted.
     */
    List<Descriptor> wantedChildren(Manifest index) {
        if (platforms.isEmpty()) {
            return index.manifests();
        }
        Set<String> wanted = new HashSet<>();
        for (Descriptor child : index.manifests()) {
            boolean unstated =
                    child.platform().isEmpty() && !child.annotations().containsKey(ATTESTED);
            boolean matches = child.platform().stream()
                    .anyMatch(offered -> platforms.stream().anyMatch(wish -> wish.matches(offered)));
            if (unstated || matches) {
                wanted.add(child.digest().toString());
            }
        }
        List<Descriptor> result = new ArrayList<>();
        for (Descriptor child : index.manifests()) {
            if (wanted.contains(child.digest().toString())
                    || wanted.contains(child.annotations().getOrDefault(ATTESTED, ""))) {
                result.add(child);
            }
        }
        return result;
    }
}
