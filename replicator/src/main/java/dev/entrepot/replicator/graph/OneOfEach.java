package dev.entrepot.replicator.graph;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.MediaType;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Keeps one of equal values, so that what is remembered of thousands of graphs does not hold the same types, base
 * layers and digests thousands of times, each as it was parsed. Lives for one run. Safe for all threads.
 */
final class OneOfEach {
    private final Map<Digest, Digest> digests = new ConcurrentHashMap<>();
    private final Map<MediaType, MediaType> mediaTypes = new ConcurrentHashMap<>();
    private final Map<String, Optional<String>> artifactTypes = new ConcurrentHashMap<>();
    private final Map<Set<String>, Set<String>> sets = new ConcurrentHashMap<>();
    private final Map<Descriptor, Descriptor> descriptors = new ConcurrentHashMap<>();

    Digest digest(Digest digest) {
        return one(digests, digest);
    }

    Set<String> set(Set<String> set) {
        return one(sets, set);
    }

    /** An equal descriptor, whose parts are kept once, too. */
    Descriptor descriptor(Descriptor descriptor) {
        Descriptor known = descriptors.get(descriptor);
        return known != null ? known : one(descriptors, ofOneParts(descriptor));
    }

    private Descriptor ofOneParts(Descriptor descriptor) {
        return new Descriptor(
                one(mediaTypes, descriptor.mediaType()),
                digest(descriptor.digest()),
                descriptor.sizeBytes(),
                descriptor.artifactType().isEmpty()
                        ? Optional.empty()
                        : artifactTypes.computeIfAbsent(
                                descriptor.artifactType().get(), Optional::of),
                descriptor.platform(),
                descriptor.annotations(),
                descriptor.urls(),
                descriptor.data());
    }

    private static <T> T one(Map<T, T> values, T value) {
        T known = values.putIfAbsent(value, value);
        return known != null ? known : value;
    }
}
