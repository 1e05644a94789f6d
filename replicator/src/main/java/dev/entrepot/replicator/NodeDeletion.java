package dev.entrepot.replicator;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.RegistryException;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.graph.CosignTags;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;

/**
 * Deletes the manifests of a graph whose tag is gone, as far as the target does that. For one use, by one thread.
 *
 * <p>Referrers go before their subjects and indexes before their children, and what the target does not delete keeps
 * what it names: so nothing names what is not there, but for what refers to a manifest that had to go to be rid of its
 * tag. What hangs on an image by a tag alone, as a signature of cosign, goes after it, with the tag, and the fallback
 * tag does: an image that the target does not delete keeps them. What refers to it by itself has gone before, and is
 * taken out of its list.
 */
final class NodeDeletion {
    private final TargetSession session;
    private final PrunedRepository repository;
    private final Set<Tag> tags;
    private final Predicate<Digest> spared;
    private final Map<Digest, Set<Digest>> signatures = new HashMap<>();
    private final Set<Digest> deleted = new LinkedHashSet<>();
    private final Set<Digest> staying = new LinkedHashSet<>();
    // What is named by one that stays, which may have got another name meanwhile, or attests it.
    private final Set<Digest> with = new HashSet<>();
    // Whether one stays of which nobody can tell what it names.
    private boolean blind;
    private int held;
    private int refused;
    private int kept;
    private Optional<RegistryException> refusal = Optional.empty();

    /**
     * In this repository.
     *
     * @param tags all tags there
     * @param spared what must not go because a cosign tag of one that goes names it
     */
    NodeDeletion(TargetSession session, PrunedRepository repository, Set<Tag> tags, Predicate<Digest> spared) {
        this.session = session;
        this.repository = repository;
        this.tags = tags;
        this.spared = spared;
    }

    /**
     * What came of it.
     *
     * @param text for people
     * @param isAll whether nothing is left
     * @param staying what of it the target has still
     */
    record Result(String text, boolean isAll, Set<Digest> staying) {}

    /**
     * Deletes them. After a failure it can be done again, and does what is left.
     *
     * @param nodes referrers before what they refer to, and indexes before what they list
     * @param gone what of it has gone with the tag, whatever stays
     * @throws IOException if the target gives no answer
     */
    Result delete(Set<Digest> nodes, Set<Digest> gone) throws IOException {
        for (Digest digest : inOrder(nodes)) {
            if (gone.contains(digest)) {
                noteDeleted(digest);
            } else if (blind || with.contains(digest)) {
                kept++;
                keep(digest);
            } else if (!isGone(digest)) {
                keep(digest);
            }
        }
        unlist();
        String text = deleted.size() + " manifests"
                + (held == 0 ? "" : "; " + held + " others stay: " + repository.whyItStays())
                + refusal.map(e -> "; it refuses to delete " + refused + " others: " + e.getMessage())
                        .orElse("")
                + (kept == 0 ? "" : "; " + kept + " that belong to those stay with them");
        return new Result(text, staying.isEmpty() && refusal.isEmpty(), Set.copyOf(staying));
    }

    // Signatures last, each after what it attests.
    private List<Digest> inOrder(Set<Digest> nodes) throws IOException {
        Set<Digest> last = new LinkedHashSet<>();
        for (Digest subject : nodes) {
            for (Tag tag : CosignTags.of(subject)) {
                if (tags.contains(tag)) {
                    repository
                            .signature(tag)
                            .filter(nodes::contains)
                            .filter(signature -> !signature.equals(subject))
                            .ifPresent(signature -> {
                                signatures
                                        .computeIfAbsent(subject, key -> new HashSet<>())
                                        .add(signature);
                                last.add(signature);
                            });
                }
            }
        }
        List<Digest> order = new ArrayList<>(nodes);
        order.removeAll(last);
        List<Digest> attesting = new ArrayList<>(nodes);
        attesting.retainAll(last);
        // A signature of a signature was pushed after that.
        order.addAll(attesting.reversed());
        return order;
    }

    private boolean isGone(Digest digest) throws IOException {
        try {
            if (!repository.delete(digest)) {
                held++;
                return false;
            }
        } catch (RegistryException e) {
            if (!PrunedRepository.isRefusal(e)) {
                throw e;
            }
            // The tag is gone, and the target may have its own rules for what no tag names.
            refused++;
            refusal = Optional.of(e);
            return false;
        }
        noteDeleted(digest);
        return true;
    }

    private void noteDeleted(Digest digest) throws IOException {
        deleted.add(digest);
        Optional<RegistryException> attached = repository.deleteAttached(digest, tags, spared);
        if (attached.isPresent()) {
            refused++;
            refusal = attached;
        }
    }

    // A layout itself keeps what is under an index that it has.
    private void keep(Digest digest) throws IOException {
        staying.add(digest);
        with.addAll(signatures.getOrDefault(digest, Set.of()));
        if (session.registry().isAtHand()) {
            return;
        }
        Optional<Set<Digest>> named = repository.namedBy(digest);
        named.ifPresent(with::addAll);
        blind |= named.isEmpty();
    }

    private void unlist() throws IOException {
        for (Digest subject : staying) {
            if (!deleted.isEmpty() && tags.contains(subject.referrersTag())) {
                new ReferrerKeeper(session).unlist(repository.repository(), subject, deleted);
            }
        }
    }
}
