package dev.entrepot.replicator.bundle;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.RepositoryName;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * What need not be in a bundle, because receipts say that each of the other sides has it. What sides have in
 * repositories of different names counts as not there: an inventory names one for all of them. Immutable.
 */
public final class Delta {
    private final List<Digest> receipts;
    private final SortedMap<RepositoryName, SortedSet<Digest>> held;
    private final Map<Digest, RepositoryName> first = new HashMap<>();
    private final Set<Digest> lost;

    private Delta(
            Collection<Digest> receipts, SortedMap<RepositoryName, SortedSet<Digest>> held, Collection<Digest> lost) {
        this.receipts = List.copyOf(new TreeSet<>(receipts));
        this.held = held;
        this.lost = Set.copyOf(lost);
        held.forEach((repository, digests) -> digests.forEach(digest -> first.putIfAbsent(digest, repository)));
    }

    /**
     * Of a receipt whose signature was verified.
     *
     * @param document the bytes of the receipt
     */
    public Delta(Receipt receipt, byte[] document) {
        this(
                List.of(Digest.sha256(document)),
                receipt.held(),
                receipt.lost().values().stream().flatMap(SortedSet::stream).toList());
    }

    /** What need not be in a bundle for several sides: what all of them have, in the same repository. */
    public Delta and(Delta other) {
        SortedMap<RepositoryName, SortedSet<Digest>> both = new TreeMap<>();
        held.forEach((repository, digests) -> {
            SortedSet<Digest> common = new TreeSet<>(digests);
            common.retainAll(other.held.getOrDefault(repository, Collections.emptySortedSet()));
            if (!common.isEmpty()) {
                both.put(repository, common);
            }
        });
        Set<Digest> all = new HashSet<>(receipts);
        all.addAll(other.receipts);
        Set<Digest> gone = new HashSet<>(lost);
        gone.addAll(other.lost);
        return new Delta(all, both, gone);
    }

    /** The digests of the receipts, sorted. */
    public List<Digest> receipts() {
        return receipts;
    }

    /** What another side had and lost, and an inventory carries again. */
    public List<Digest> lostIn(Inventory inventory) {
        Stream<Digest> manifests = inventory.manifests().values().stream()
                .filter(manifest -> !(manifest.placement() instanceof Placement.Held))
                .map(BundledManifest::digest);
        Stream<Digest> blobs = inventory.blobs().values().stream()
                .filter(blob -> !(blob.placement() instanceof Placement.Held))
                .map(BundledBlob::digest);
        return Stream.concat(manifests, blobs).filter(lost::contains).distinct().toList();
    }

    /** A repository in which each other side has this blob: from there it can be brought to any other. */
    Optional<RepositoryName> blob(Digest blob) {
        return Optional.ofNullable(first.get(blob));
    }

    /** A repository in which each other side has this manifest, if it does in all that it belongs to. */
    Optional<RepositoryName> manifest(Digest manifest, Collection<RepositoryName> repositories) {
        return repositories.stream()
                        .allMatch(repository -> held.getOrDefault(repository, Collections.emptySortedSet())
                                .contains(manifest))
                ? repositories.stream().findFirst()
                : Optional.empty();
    }
}
