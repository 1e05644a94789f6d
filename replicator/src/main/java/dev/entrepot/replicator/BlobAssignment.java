package dev.entrepot.replicator;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.replicator.ImagePlan.Action;
import dev.entrepot.replicator.ImagePlan.Step;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Decides for each missing blob which image of a plan brings it to the target, and where the others get it from. The
 * first image in the order of the plan that needs a blob sends it; later ones in the same repository find it there,
 * later ones in other repositories mount it. So an image only ever waits for earlier ones.
 */
final class BlobAssignment {
    private final TargetSession session;
    private final Map<Digest, RepositoryName> bringers = new HashMap<>();
    private final Map<Place, ImagePlan.Node> brought = new HashMap<>();
    private Map<Digest, List<RepositoryName>> known = Map.of();

    private record Place(RepositoryName repository, Digest digest, boolean manifest) {}

    BlobAssignment(TargetSession session) {
        this.session = session;
    }

    /** The same work with steps assigned. */
    List<ImageWork> assign(List<ImageWork> works) throws IOException {
        known = session.journal().content().blobLocations(session.place(), missingBlobs(works));
        List<ImageWork> result = new ArrayList<>(works.size());
        for (ImageWork work : works) {
            result.add(
                    work.plan().action() == Action.COPY
                            ? new ImageWork(work.plan().withNodes(assign(work.plan())), work.tag(), work.graph())
                            : work);
        }
        return result;
    }

    private static Set<Digest> missingBlobs(List<ImageWork> works) {
        return works.stream()
                .filter(work -> work.plan().action() == Action.COPY)
                .flatMap(work -> work.plan().nodes().stream())
                .filter(node -> node.step() != Step.PRESENT && !node.manifest())
                .map(node -> node.descriptor().digest())
                .collect(Collectors.toSet());
    }

    private List<ImagePlan.Node> assign(ImagePlan plan) {
        List<ImagePlan.Node> nodes = new ArrayList<>(plan.nodes().size());
        for (ImagePlan.Node node : plan.nodes()) {
            nodes.add(node.step() == Step.PRESENT ? node : assign(plan.repository(), node));
            if (!node.manifest()) {
                bringers.putIfAbsent(node.descriptor().digest(), plan.repository());
            }
        }
        return nodes;
    }

    // Of images of one repository that share a node, any may come to it first: so the later ones know where to mount it
    // from, too.
    private ImagePlan.Node assign(RepositoryName repository, ImagePlan.Node node) {
        Place place = new Place(repository, node.descriptor().digest(), node.manifest());
        ImagePlan.Node earlier = brought.get(place);
        if (earlier != null) {
            return new ImagePlan.Node(
                    node.descriptor(), node.manifest(), Step.SHARED, earlier.from(), earlier.awaited());
        }
        ImagePlan.Node assigned = node.manifest() ? node : assignBlob(repository, node);
        brought.put(place, assigned);
        return assigned;
    }

    private ImagePlan.Node assignBlob(RepositoryName repository, ImagePlan.Node node) {
        Digest digest = node.descriptor().digest();
        // Most registries have one copy for all their repositories: a mount would bring the damage back.
        if (session.repository(repository).isDamaged(digest)) {
            return node;
        }
        RepositoryName bringer = bringers.getOrDefault(digest, repository);
        if (!bringer.equals(repository)) {
            return new ImagePlan.Node(node.descriptor(), false, Step.MOUNT, Optional.of(bringer), true);
        }
        Optional<RepositoryName> from = known.getOrDefault(digest, List.of()).stream()
                .filter(other -> !other.equals(repository))
                .findFirst();
        return from.isPresent() ? new ImagePlan.Node(node.descriptor(), false, Step.MOUNT, from, false) : node;
    }
}
