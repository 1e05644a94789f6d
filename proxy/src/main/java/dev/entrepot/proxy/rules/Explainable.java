package dev.entrepot.proxy.rules;

import dev.entrepot.cache.PullThrough;
import dev.entrepot.oci.ManifestReference;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * A repository that can be explained.
 *
 * @param pull the repository as it is served
 * @param places where its content is asked for
 * @param proofFor how long its upstream's word that a client may have something counts, where each client needs it
 */
public record Explainable(PullThrough pull, Places places, Optional<Duration> proofFor) {
    /** Knows where content is asked for. */
    @FunctionalInterface
    public interface Places {
        /** All places, in the order in which they are asked, the upstream itself at the end. */
        List<Place> of(ManifestReference reference, boolean blob);
    }

    /**
     * Where something would be asked for.
     *
     * @param name how it is called
     * @param isMirror whether it is a mirror
     * @param notAsked why it would not be asked now, if it would not
     */
    public record Place(String name, boolean isMirror, Optional<String> notAsked) {}

    /** The mirrors that would be asked. */
    List<String> mirrors(ManifestReference reference, boolean blob) {
        return places.of(reference, blob).stream()
                .filter(place -> place.isMirror() && place.notAsked().isEmpty())
                .map(Place::name)
                .toList();
    }
}
