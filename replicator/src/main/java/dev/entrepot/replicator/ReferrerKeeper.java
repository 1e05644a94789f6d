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
    private static final int WRITES = 3;

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

    /** Reads, merges, writes, and reads back, until nothing is missing: another process may be doing the same. */
    private void write(TargetRepository repository, Digest subject, List<Descriptor> wanted, TallyCounter tally)
            throws IOException {
        Set<Digest> expected = wanted.stream().map(Descriptor::digest).collect(Collectors.toSet());
        Optional<ManifestBytes> present = at(subject, () -> fallback(repository, subject));
        for (int attempt = 1; ; attempt++) {
            Optional<ManifestBytes> before = present;
            Optional<ManifestBytes> merged = at(subject, () -> FallbackIndex.merge(before, subject, wanted));
            if (merged.isEmpty()) {
                return;
            }
            expected.addAll(at(subject, () -> FallbackIndex.digests(merged)));
            if (attempt > WRITES) {
                throw lost(subject, expected, FallbackIndex.digests(present));
            }
            at(subject, () -> repository.push(merged.get(), subject.referrersTag()));
            tally.one(Kind.REFERRER_SET_WRITTEN);
            present = at(subject, () -> fallback(repository, subject));
            if (FallbackIndex.digests(present).containsAll(expected)) {
                return;
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
        session.locks().alone(session.place(), repository.name(), subject, () -> {
            for (int attempt = 1; ; attempt++) {
                Optional<ManifestBytes> present = at(subject, () -> fallback(repository, subject));
                Set<Digest> listed = new HashSet<>(at(subject, () -> FallbackIndex.digests(present)));
                listed.retainAll(gone);
                if (listed.isEmpty()) {
                    return subject;
                }
                if (attempt > WRITES) {
                    throw new CopyException(
                            Side.TARGET,
                            listed.stream().sorted().findFirst().orElse(subject),
                            session.name() + " still lists " + listed.size() + " withdrawn referrers of " + subject
                                    + " after " + WRITES + " writes of its fallback tag");
                }
                ManifestBytes without = at(subject, () -> FallbackIndex.without(present.orElseThrow(), gone));
                at(subject, () -> repository.push(without, subject.referrersTag()));
            }
        });
    }

    private CopyException lost(Digest subject, Set<Digest> expected, Set<Digest> there) {
        Set<Digest> lost = new HashSet<>(expected);
        lost.removeAll(there);
        return new CopyException(
                Side.TARGET,
                lost.stream().sorted().findFirst().orElse(subject),
                session.name() + " does not list " + lost.size() + " referrers of " + subject + " after " + WRITES
                        + " writes of its fallback tag");
    }

    private <T> T at(Digest subject, RequestLimit.Request<T> request) throws IOException {
        return CopyException.at(
                Side.TARGET, subject, "keeping the referrers of " + subject + " at " + session.name(), request);
    }
}
