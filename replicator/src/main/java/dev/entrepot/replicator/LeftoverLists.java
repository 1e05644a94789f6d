package dev.entrepot.replicator;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Tag;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Keeps the fallback tags of one repository right while something left over is deleted there: they stop listing it
 * before that, and list it again if it stays after all. For one use, by one thread.
 */
final class LeftoverLists {
    private final TargetSession session;
    private final TargetRepository repository;
    private final LeftoverGraph graph;
    // What fallback tags listed of what was to go, by subject.
    private final Map<Digest, List<Descriptor>> taken = new LinkedHashMap<>();

    LeftoverLists(TargetSession session, TargetRepository repository, LeftoverGraph graph) {
        this.session = session;
        this.repository = repository;
        this.graph = graph;
    }

    /**
     * Takes what is to go out of the lists of what stays, all of a subject at once.
     *
     * @param tags all tags there
     * @return by subject, which could not be written
     */
    Map<Digest, CopyException> unlist(Set<Digest> going, Set<Tag> tags) throws IOException {
        Map<Digest, Set<Digest>> bySubject = new LinkedHashMap<>();
        for (Digest digest : going) {
            graph.subject(digest)
                    .filter(subject -> !going.contains(subject) && tags.contains(subject.referrersTag()))
                    .ifPresent(subject -> bySubject
                            .computeIfAbsent(subject, key -> new HashSet<>())
                            .add(digest));
        }
        Map<Digest, CopyException> failed = new HashMap<>();
        for (Map.Entry<Digest, Set<Digest>> entry : bySubject.entrySet()) {
            List<Descriptor> listed = new ArrayList<>();
            taken.put(entry.getKey(), listed);
            try {
                new ReferrerKeeper(session).unlist(repository, entry.getKey(), entry.getValue(), listed);
            } catch (CopyException e) {
                failed.put(entry.getKey(), e);
            }
        }
        return failed;
    }

    /**
     * Lists again what was taken out and is there still, for it is to be found by those who ask for it; and takes what
     * is gone out of the lists of what was to go too, and is there still.
     *
     * @param all what was to go
     * @param gone what of it is gone
     * @param tags all tags there
     * @return of which referrers, and of which subjects, the lists could not be written
     */
    Map<Digest, CopyException> relist(Collection<Digest> all, Set<Digest> gone, Set<Tag> tags) throws IOException {
        Map<Digest, CopyException> failed = new HashMap<>();
        for (Map.Entry<Digest, List<Descriptor>> entry : taken.entrySet()) {
            List<Descriptor> stay = entry.getValue().stream()
                    .filter(referrer -> !gone.contains(referrer.digest()))
                    .toList();
            try {
                new ReferrerKeeper(session).relist(repository, entry.getKey(), stay);
            } catch (CopyException e) {
                stay.forEach(referrer -> failed.put(referrer.digest(), e));
            }
        }
        for (Digest subject : all) {
            try {
                unlistGone(subject, gone, tags);
            } catch (CopyException e) {
                failed.put(subject, e);
            }
        }
        return failed;
    }

    // The list of a subject that was to go was to go with it.
    private void unlistGone(Digest subject, Set<Digest> gone, Set<Tag> tags) throws IOException {
        if (gone.contains(subject) || !tags.contains(subject.referrersTag())) {
            return;
        }
        Set<Digest> referrers = new HashSet<>(graph.before(subject));
        referrers.retainAll(gone);
        if (!referrers.isEmpty()) {
            new ReferrerKeeper(session).unlist(repository, subject, referrers);
        }
    }
}
