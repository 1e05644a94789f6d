package dev.entrepot.replicator.graph;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Manifest;
import dev.entrepot.oci.Platform;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What of a graph is wanted.
 *
 * @param platforms the platforms whose images are wanted, or empty for all
 * @param referrers which referrers and cosign tags are wanted
 * @param omitted by index, children that are not wanted whatever their platform: a source that has only a part of a
 *     graph says so with them
 */
public record GraphScope(List<Platform> platforms, ReferrerFilter referrers, Map<Digest, Set<Digest>> omitted) {
    /** Everything. */
    public static final GraphScope WHOLE = new GraphScope(List.of(), ReferrerFilter.ALL);

    private static final String ATTESTED = "vnd.docker.reference.digest";

    /** Copies the collections. */
    public GraphScope {
        platforms = List.copyOf(platforms);
        omitted = Map.copyOf(omitted);
    }

    /** A scope of a source that has all of its graphs. */
    public GraphScope(List<Platform> platforms, ReferrerFilter referrers) {
        this(platforms, referrers, Map.of());
    }

    /** The same scope of a source that does not have these children, by index. */
    public GraphScope without(Map<Digest, Set<Digest>> children) {
        return new GraphScope(platforms, referrers, children);
    }

    /**
     * The children of an index that are wanted: those of a wanted platform; those that state no platform, which are
     * nested indexes and artifacts; and BuildKit's attestations of children that are wanted. Never those that are
     * omitted.
     */
    List<Descriptor> wantedChildren(Digest digest, Manifest index) {
        Set<Digest> absent = omitted.getOrDefault(digest, Set.of());
        return ofPlatforms(index).stream()
                .filter(child -> !absent.contains(child.digest()))
                .toList();
    }

    private List<Descriptor> ofPlatforms(Manifest index) {
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
