package dev.entrepot.replicator.graph;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.Manifest;
import dev.entrepot.oci.ManifestBytes;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * What one manifest says, as far as copying it needs to know.
 *
 * @param descriptor its type, digest, real size, artifact type and annotations
 * @param children the manifests below it that are wanted, each once
 * @param omitted those that are not
 * @param blobs its blobs that may be pushed, each once
 * @param subject what it refers to
 * @param types the names that a {@link ReferrerFilter} may know it by
 * @param opaque whether it is of a type that is not known here, so that its edges are those that its shape shows
 */
record ManifestFacts(
        Descriptor descriptor,
        List<Descriptor> children,
        List<Descriptor> omitted,
        List<Descriptor> blobs,
        Optional<Digest> subject,
        Set<String> types,
        boolean opaque) {

    static ManifestFacts read(ManifestBytes bytes, GraphScope scope) throws InvalidContentException {
        Manifest manifest = Manifest.parse(bytes);
        List<Descriptor> children = distinct(scope.wantedChildren(bytes.digest(), manifest));
        List<Descriptor> omitted = new ArrayList<>(distinct(manifest.manifests()));
        Set<Digest> kept = children.stream().map(Descriptor::digest).collect(Collectors.toSet());
        omitted.removeIf(child -> kept.contains(child.digest()));
        List<Descriptor> blobs = distinct(manifest.blobs().stream()
                .filter(blob -> !blob.mediaType().isNonDistributable())
                .toList());
        return new ManifestFacts(
                bytes.descriptor().asReferrer(manifest.artifactType(), manifest.annotations()),
                children,
                List.copyOf(omitted),
                blobs,
                manifest.subject().map(Descriptor::digest),
                types(manifest),
                manifest instanceof Manifest.OpaqueManifest);
    }

    /** The same facts, of values that are kept once. */
    ManifestFacts with(OneOfEach values) {
        return new ManifestFacts(
                values.descriptor(descriptor),
                of(values, children),
                of(values, omitted),
                of(values, blobs),
                subject.map(values::digest),
                values.set(types),
                opaque);
    }

    private static List<Descriptor> of(OneOfEach values, List<Descriptor> descriptors) {
        return List.copyOf(descriptors.stream().map(values::descriptor).toList());
    }

    private static Set<String> types(Manifest manifest) {
        Set<String> types = new TreeSet<>();
        manifest.artifactType().ifPresent(types::add);
        manifest.blobs().forEach(blob -> types.add(blob.mediaType().value()));
        return Set.copyOf(types);
    }

    private static List<Descriptor> distinct(List<Descriptor> descriptors) {
        Map<Digest, Descriptor> byDigest = new LinkedHashMap<>();
        descriptors.forEach(descriptor -> byDigest.putIfAbsent(descriptor.digest(), descriptor));
        return List.copyOf(byDigest.values());
    }
}
