package dev.entrepot.replicator;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.replicator.ImagePlan.Action;
import dev.entrepot.replicator.ImagePlan.Step;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Decides for each missing blob which image of a plan brings it to the target, and where the others get it from. The first image in the order of the
 * plan that needs a blob sends it; later ones in the same repository find it there, later ones in other repositories mount it. So an
 * image only ever waits for earlier ones.
 */
final class BlobAssignment {
    private final TargetSession session;
    private final Map<Digest, RepositoryName> bringers = new HashMap<>();
    private final Set<Place> brought = new HashSet<>();

    private record Place(RepositoryName repository, Digest digest) {}

    BlobAssignment(TargetSession session) {
        this.session = session;
    }

    /** The same work with steps assigned. */
    List<ImageWork> assign(List<ImageWork> works) throws IOException {
        List<ImageWork> result = new ArrayList<>(works.size());
        for (ImageWork work : works) {
            result.add(
                    work.plan().action() == Action.COPY
                            ? new ImageWork(work.plan().withNodes(assign(work.plan())), work.tag(), work.graph())
                            : work);
        }
        return result;
    }

    private List<ImagePlan.Node> assign(ImagePlan plan) throws IOException {
        List<ImagePlan.Node> nodes = new ArrayList<>(plan.nodes().size());
        for (ImagePlan.Node node : plan.nodes()) {
            nodes.add(node.step() == Step.PRESENT ? node : assign(plan.repository(), node));
            if (!node.manifest()) {
                bringers.putIfAbsent(node.descriptor().digest(), plan.repository());
            }
        }
        return nodes;
    }

    private ImagePlan.Node assign(RepositoryName repository, ImagePlan.Node node) throws IOException {
        Descriptor descriptor = node.descriptor();
        if (!brought.add(new Place(repository, descriptor.digest()))) {
            return ImagePlan.Node.of(descriptor, node.manifest(), Step.SHARED);
        }
        if (node.manifest()) {
            return node;
        }
        RepositoryName bringer = bringers.getOrDefault(descriptor.digest(), repository);
        if (!bringer.equals(repository)) {
            return new ImagePlan.Node(descriptor, false, Step.MOUNT, Optional.of(bringer), true);
        }
        Optional<RepositoryName> known = session.journal().blobLocations(session.name(), descriptor.digest()).stream()
                .filter(other -> !other.equals(repository))
                .findFirst();
        return known.isPresent() ? new ImagePlan.Node(descriptor, false, Step.MOUNT, known, false) : node;
    }
}
