package dev.entrepot.replicator.bundle;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.RepositoryName;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/** What need not be in a bundle, because a receipt says that the other side has it. Immutable. */
public final class Delta {
    private final Receipt receipt;
    private final Digest digest;
    private final Map<Digest, RepositoryName> first = new HashMap<>();
    private final Set<Digest> lost = new HashSet<>();

    /**
     * Of a receipt whose signature was verified.
     *
     * @param document the bytes of the receipt
     */
    public Delta(Receipt receipt, byte[] document) {
        this.receipt = receipt;
        this.digest = Digest.sha256(document);
        receipt.held().forEach((repository, digests) -> digests.forEach(held -> first.putIfAbsent(held, repository)));
        receipt.lost().values().forEach(lost::addAll);
    }

    /** The digest of the receipt. */
    public Digest digest() {
        return digest;
    }

    /** What the other side had and lost, and an inventory carries again. */
    public List<Digest> lostIn(Inventory inventory) {
        Stream<Digest> manifests = inventory.manifests().values().stream()
                .filter(manifest -> !(manifest.placement() instanceof Placement.Held))
                .map(BundledManifest::digest);
        Stream<Digest> blobs = inventory.blobs().values().stream()
                .filter(blob -> !(blob.placement() instanceof Placement.Held))
                .map(BundledBlob::digest);
        return Stream.concat(manifests, blobs).filter(lost::contains).distinct().toList();
    }

    /** A repository in which the other side has this blob: from there it can be brought to any other. */
    Optional<RepositoryName> blob(Digest blob) {
        return Optional.ofNullable(first.get(blob));
    }

    /** A repository in which the other side has this manifest, if it does in all that it belongs to. */
    Optional<RepositoryName> manifest(Digest manifest, Collection<RepositoryName> repositories) {
        return repositories.stream().allMatch(repository -> receipt.holds(repository, manifest))
                ? repositories.stream().findFirst()
                : Optional.empty();
    }
}
