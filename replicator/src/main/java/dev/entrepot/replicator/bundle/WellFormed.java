package dev.entrepot.replicator.bundle;

import dev.entrepot.oci.Descriptor;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;

/**
 * Texts of manifests as an inventory can have them. A manifest's JSON may name half of a surrogate pair, which has no
 * bytes in UTF-8: in its place there is a question mark.
 */
final class WellFormed {
    private WellFormed() {}

    /** The same descriptor, with an artifact type and annotations that can be written. */
    static Descriptor of(Descriptor descriptor) {
        Map<String, String> annotations = new TreeMap<>();
        descriptor.annotations().forEach((key, value) -> annotations.put(of(key), of(value)));
        return descriptor.asReferrer(descriptor.artifactType().map(WellFormed::of), annotations);
    }

    private static String of(String text) {
        return new String(text.getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8);
    }
}
