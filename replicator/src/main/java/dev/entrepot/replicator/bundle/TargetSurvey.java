package dev.entrepot.replicator.bundle;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Manifest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.OciLimits;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.RegistryException;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.graph.Concurrently;
import dev.entrepot.replicator.graph.CosignTags;
import dev.entrepot.replicator.graph.Memo;
import dev.entrepot.replicator.graph.RepositoryDiscovery;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Finds out what is in one repository of a target: for each tag, all that is below it and attached to it there. A
 * manifest that an index names and that is not there is no failure: the image is one that the target does not have
 * whole. For one survey.
 */
final class TargetSurvey {
    private static final int AT_ONCE = 16;

    private final RepositoryDiscovery there;
    private final RepositoryName repository;
    private final RepositoryName at;
    private final ImportNames names;
    private final Memo<Digest, Optional<Facts>> manifests = new Memo<>(this::read);

    /**
     * Of a repository.
     *
     * @param there the repository, to ask
     * @param repository its name at the source
     */
    TargetSurvey(RepositoryDiscovery there, RepositoryName repository, ImportNames names) {
        this.there = there;
        this.repository = repository;
        this.at = names.repository(repository);
        this.names = names;
    }

    /** What a manifest names and what is attached to it. */
    private record Facts(
            long sizeBytes,
            List<Descriptor> children,
            List<Descriptor> blobs,
            List<Descriptor> referrers,
            SortedMap<Tag, Descriptor> cosign) {}

    /** An image that was found, with all that it consists of. */
    private record Found(Arrived.Image image, List<Arrived.Node> nodes) {}

    /**
     * Notes all images of the repository.
     *
     * @param into where
     * @return tags that cannot be read, and why, each a line for people
     * @throws OutageException if the target gave no answer
     * @throws BundleException if there is more than {@link Arrived} remembers
     */
    List<String> survey(Arrived into) throws IOException {
        List<Tag> images =
                tags().stream().filter(tag -> !CosignTags.isAttached(tag)).toList();
        List<String> unread = new ArrayList<>();
        for (int from = 0; from < images.size(); from += AT_ONCE) {
            List<Tag> some = images.subList(from, Math.min(from + AT_ONCE, images.size()));
            List<Optional<Found>> found = Concurrently.map(some, tag -> image(tag, unread));
            for (Found one : found.stream().flatMap(Optional::stream).toList()) {
                one.nodes().forEach(into::put);
                into.put(one.image());
            }
            if (into.nodes().size() > Arrived.MOST_NODES) {
                throw new BundleException("at the target there are more than " + Arrived.MOST_NODES
                        + " manifests and blobs; name the repositories that bundles go to");
            }
        }
        return unread;
    }

    private Set<Tag> tags() throws IOException {
        try {
            return there.tags();
        } catch (NotFoundException e) {
            return Set.of();
        }
    }

    private Optional<Found> image(Tag tag, List<String> unread) throws IOException {
        try {
            Optional<Descriptor> root = there.resolve(tag);
            return root.isEmpty() ? Optional.empty() : Optional.of(image(tag, root.get()));
        } catch (OutageException e) {
            throw e;
        } catch (RegistryException e) {
            synchronized (unread) {
                unread.add(at + ":" + tag + ": " + e.getMessage());
            }
            return Optional.empty();
        }
    }

    private Found image(Tag tag, Descriptor root) throws IOException {
        Map<Digest, Arrived.Node> nodes = new LinkedHashMap<>();
        SortedMap<Tag, Digest> cosign = new TreeMap<>();
        Map<Digest, Set<Digest>> referrers = new LinkedHashMap<>();
        Deque<Descriptor> open = new ArrayDeque<>(List.of(root));
        Set<Digest> walked = new HashSet<>();
        while (!open.isEmpty()) {
            Descriptor next = open.remove();
            // What is both a manifest and a blob of another is walked, too.
            if (!walked.add(next.digest())) {
                continue;
            }
            Optional<Facts> facts = manifests.get(next.digest());
            nodes.put(
                    next.digest(),
                    node(next.digest(), facts.map(Facts::sizeBytes).orElse(next.sizeBytes()), facts.isPresent()));
            if (facts.isPresent()) {
                Facts known = facts.get();
                known.blobs()
                        .forEach(
                                blob -> nodes.putIfAbsent(blob.digest(), node(blob.digest(), blob.sizeBytes(), false)));
                open.addAll(known.children());
                open.addAll(known.referrers());
                if (!known.referrers().isEmpty()) {
                    referrers.put(
                            next.digest(),
                            known.referrers().stream().map(Descriptor::digest).collect(Collectors.toSet()));
                }
                open.addAll(known.cosign().values());
                known.cosign().forEach((name, manifest) -> cosign.put(name, manifest.digest()));
            }
            if (nodes.size() > OciLimits.MAX_GRAPH_NODES) {
                throw new BundleException(
                        at + ":" + tag + " has more than " + OciLimits.MAX_GRAPH_NODES + " manifests and blobs");
            }
        }
        Arrived.Image image = new Arrived.Image(
                repository,
                names.source(repository, tag),
                new Arrived.Name(at, tag),
                root.digest(),
                List.copyOf(nodes.keySet()),
                cosign,
                referrers,
                true);
        return new Found(image, List.copyOf(nodes.values()));
    }

    private Arrived.Node node(Digest digest, long sizeBytes, boolean manifest) {
        return new Arrived.Node(ImportStock.wanted(repository, digest, sizeBytes, manifest), at, false);
    }

    private Optional<Facts> read(Digest digest) throws IOException {
        ManifestBytes bytes;
        try {
            bytes = there.bytes(digest);
        } catch (NotFoundException e) {
            return Optional.empty();
        }
        Manifest manifest = Manifest.parse(bytes);
        SortedMap<Tag, Descriptor> cosign = new TreeMap<>();
        there.attachments(digest).cosignTags().forEach(tag -> cosign.put(tag.tag(), tag.manifest()));
        return Optional.of(new Facts(
                bytes.sizeBytes(),
                manifest.manifests(),
                manifest.blobs().stream()
                        .filter(blob -> !blob.mediaType().isNonDistributable())
                        .toList(),
                attached(digest),
                cosign));
    }

    // What a fallback tag still lists and nobody has is not part of the image.
    private List<Descriptor> attached(Digest digest) throws IOException {
        List<Descriptor> attached = new ArrayList<>();
        for (Descriptor referrer : there.attachments(digest).referrers().descriptors()) {
            if (there.resolve(referrer.digest()).isPresent()) {
                attached.add(referrer);
            }
        }
        return attached;
    }
}
