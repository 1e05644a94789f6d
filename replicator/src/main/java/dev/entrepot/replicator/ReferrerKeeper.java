package dev.entrepot.replicator;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.Referrers;
import dev.entrepot.replicator.TallyCounter.Kind;
import dev.entrepot.replicator.graph.IoFunction;
import dev.entrepot.replicator.graph.RequestLimit;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Sees to it that a target lists the referrers of a subject: by its API where that works, by the fallback tag where
 * there is none or where the API answers and lists nothing. Safe for all threads; one writer per subject at a time.
 */
final class ReferrerKeeper {
    private final TargetSession session;

    ReferrerKeeper(TargetSession session) {
        this.session = session;
    }

    /** Which of the wanted referrers a target does not list. The fallback tag is read only where the API lacks some. */
    static Set<Digest> missing(TargetRepository repository, Digest subject, Set<Digest> wanted) throws IOException {
        Set<Digest> missing = new HashSet<>(wanted);
        Referrers listed = repository.reader().referrers(subject);
        listed.descriptors().forEach(descriptor -> missing.remove(descriptor.digest()));
        if (!missing.isEmpty() && listed.origin() == Referrers.Origin.API) {
            missing.removeAll(FallbackIndex.digests(fallback(repository, subject)));
        }
        return missing;
    }

    private static Optional<ManifestBytes> fallback(TargetRepository repository, Digest subject) throws IOException {
        try {
            return Optional.of(repository.reader().fetchManifest(subject.referrersTag()));
        } catch (NotFoundException e) {
            return Optional.empty();
        }
    }

    /**
     * Makes the target list all of {@code wanted}, all of which it has.
     *
     * @param tracked whether the target said of each that was pushed that it tracks the subject
     * @param again pushes a referrer once more if that was not done in this run, and tells whether the target says that
     *     it tracks the subject
     * @throws CopyException if the target still does not list one after one repair
     */
    void ensure(
            TargetRepository repository,
            Digest subject,
            List<Descriptor> wanted,
            boolean tracked,
            IoFunction<Digest, Boolean> again,
            TallyCounter tally)
            throws IOException {
        session.locks().alone(session.place(), repository.name(), subject, () -> {
            ensureAlone(repository, subject, wanted, tracked, again, tally);
            return subject;
        });
    }

    private void ensureAlone(
            TargetRepository repository,
            Digest subject,
            List<Descriptor> wanted,
            boolean tracked,
            IoFunction<Digest, Boolean> again,
            TallyCounter tally)
            throws IOException {
        Set<Digest> digests = wanted.stream().map(Descriptor::digest).collect(Collectors.toSet());
        if (!tracked || repository.pretends()) {
            write(repository, subject, wanted, tally);
            return;
        }
        Set<Digest> missing = at(subject, () -> missing(repository, subject, digests));
        if (missing.isEmpty()) {
            return;
        }
        boolean tracksNow = true;
        for (Digest digest : missing) {
            tracksNow &= again.apply(digest);
        }
        missing = tracksNow ? at(subject, () -> missing(repository, subject, digests)) : missing;
        if (!missing.isEmpty()) {
            if (tracksNow) {
                repository.notePretence();
            }
            write(repository, subject, wanted, tally);
        }
    }

    /**
     * Reads, merges, writes, and reads back, until nothing is missing: another process may be doing the same. What was
     * written here and another wrote over is put back; also what was another's before, where the target takes no
     * conditions.
     */
    private void write(TargetRepository repository, Digest subject, List<Descriptor> wanted, TallyCounter tally)
            throws IOException {
        FallbackTag tag = at(subject, () -> new FallbackTag(repository, subject));
        while (true) {
            Optional<ManifestBytes> there = at(subject, tag::restored);
            Optional<ManifestBytes> merged = at(subject, () -> FallbackIndex.merge(there, subject, wanted));
            Set<Digest> lost = at(subject, tag::lost);
            if (merged.isEmpty() && lost.isEmpty()) {
                return;
            }
            if (tag.isGivenUp()) {
                throw notListed(tag, subject, wanted);
            }
            ManifestBytes next = merged.or(() -> there).orElseThrow();
            if (at(subject, () -> tag.write(next))) {
                tally.one(Kind.REFERRER_SET_WRITTEN);
                if (at(subject, tag::lost).isEmpty()) {
                    return;
                }
            }
        }
    }

    /**
     * Takes referrers out of the fallback tag of a subject, if there is one that lists them; what else it lists stays.
     * An index that becomes empty is written too: not all registries delete tags.
     *
     * @throws CopyException if the tag still lists one after some writes
     */
    void unlist(TargetRepository repository, Digest subject, Set<Digest> gone) throws IOException {
        unlist(repository, subject, gone, new ArrayList<>());
    }

    /**
     * As above.
     *
     * @param taken gets what may be taken out, as it is listed, before that is done: of a write that fails nobody knows
     *     whether it was
     */
    void unlist(TargetRepository repository, Digest subject, Set<Digest> gone, List<Descriptor> taken)
            throws IOException {
        session.locks().alone(session.place(), repository.name(), subject, () -> {
            FallbackTag tag = at(subject, () -> new FallbackTag(repository, subject));
            at(subject, tag::entries).stream()
                    .filter(entry -> gone.contains(entry.digest()))
                    .forEach(taken::add);
            while (true) {
                Set<Digest> listed = new HashSet<>(at(subject, tag::listed));
                listed.retainAll(gone);
                if (listed.isEmpty() && at(subject, tag::lost).isEmpty()) {
                    return subject;
                }
                if (tag.isGivenUp()) {
                    throw listed.isEmpty() ? notListed(tag, subject, List.of()) : stillListed(tag, subject, listed);
                }
                ManifestBytes without =
                        at(subject, () -> FallbackIndex.without(tag.restored().orElseThrow(), gone));
                at(subject, () -> tag.write(without));
            }
        });
    }

    /**
     * Puts back into the fallback tag of a subject what was taken out and is there still.
     *
     * @param taken what was taken out, as it was listed
     * @throws CopyException if the tag still does not list one after some writes
     */
    void relist(TargetRepository repository, Digest subject, List<Descriptor> taken) throws IOException {
        session.locks().alone(session.place(), repository.name(), subject, () -> {
            List<Descriptor> there = new ArrayList<>();
            for (Descriptor referrer : taken) {
                // Of a deletion without an answer nobody knows whether it was done.
                if (at(subject, () -> repository.hasManifestNow(referrer))) {
                    there.add(referrer);
                }
            }
            if (!there.isEmpty()) {
                write(repository, subject, there, new TallyCounter());
            }
            return subject;
        });
    }

    private CopyException stillListed(FallbackTag tag, Digest subject, Set<Digest> listed) {
        return new CopyException(
                Side.TARGET,
                listed.stream().sorted().findFirst().orElse(subject),
                session.name() + " still lists " + listed.size() + " withdrawn referrers of " + subject + " "
                        + tag.tries());
    }

    private CopyException notListed(FallbackTag tag, Digest subject, List<Descriptor> wanted) throws IOException {
        Set<Digest> lost = new HashSet<>(at(subject, tag::lost));
        wanted.forEach(descriptor -> lost.add(descriptor.digest()));
        lost.removeAll(at(subject, tag::listed));
        return new CopyException(
                Side.TARGET,
                lost.stream().sorted().findFirst().orElse(subject),
                session.name() + " does not list " + lost.size() + " referrers of " + subject + " " + tag.tries());
    }

    private <T> T at(Digest subject, RequestLimit.Request<T> request) throws IOException {
        return CopyException.at(
                Side.TARGET, subject, "keeping the referrers of " + subject + " at " + session.name(), request);
    }
}
