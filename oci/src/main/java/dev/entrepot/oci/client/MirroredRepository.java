package dev.entrepot.oci.client;

import dev.entrepot.oci.BlobBody;
import dev.entrepot.oci.BlockedException;
import dev.entrepot.oci.ByteRange;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.KnownManifests;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.Referrers;
import dev.entrepot.oci.RefusedException;
import dev.entrepot.oci.RegistryException;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.RepositorySource;
import dev.entrepot.oci.TagPage;
import dev.entrepot.oci.UnauthorizedException;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * A repository that is read from mirrors first, in order, and at last from the registry itself. A mirror answers if it
 * has what is asked for; whatever else it says, or does not, the next place is asked. So what this source says it has
 * not, the registry itself has not, and what it fails with is how the registry failed. Mirrors that may not resolve are
 * asked by digest only. Tag lists are asked of the registry alone: a mirror that is a cache lists what it happens to
 * have. Safe for all threads.
 */
final class MirroredRepository implements RepositorySource {
    private final RepositorySource registry;
    private final List<Leg> legs;
    private final MirrorMemory memory;

    /**
     * The repository at one mirror.
     *
     * @param mirror the mirror
     * @param repository the repository as the mirror has it
     */
    record Leg(MirrorEndpoint mirror, RepositorySource repository) {}

    MirroredRepository(RepositorySource registry, List<Leg> legs, MirrorMemory memory) {
        this.registry = registry;
        this.legs = List.copyOf(legs);
        this.memory = memory;
    }

    /** Asks one mirror; empty if it has not what is asked for. */
    @FunctionalInterface
    private interface Asking<T> {
        Optional<T> ask(Leg leg) throws IOException;
    }

    @Override
    public Repository repository() {
        return registry.repository();
    }

    @Override
    public Optional<Descriptor> resolve(ManifestReference reference) throws IOException {
        Optional<Descriptor> found =
                first(mayAnswer(reference), leg -> leg.repository().resolve(reference));
        return found.isPresent() ? found : registry.resolve(reference);
    }

    @Override
    public ManifestBytes fetchManifest(ManifestReference reference) throws IOException {
        Optional<ManifestBytes> found =
                first(mayAnswer(reference), leg -> Optional.of(leg.repository().fetchManifest(reference)));
        return found.isPresent() ? found.get() : registry.fetchManifest(reference);
    }

    private List<Leg> mayAnswer(ManifestReference reference) {
        return legs.stream().filter(leg -> leg.mirror().mayAnswer(reference)).toList();
    }

    @Override
    public Optional<OptionalLong> statBlob(Digest digest) throws IOException {
        Optional<OptionalLong> found =
                first(sound(digest), leg -> leg.repository().statBlob(digest));
        return found.isPresent() ? found : registry.statBlob(digest);
    }

    @Override
    public BlobBody openBlob(Digest digest, ByteRange range) throws IOException {
        return openBlob(digest, range, OptionalLong.empty());
    }

    @Override
    public BlobBody openBlob(Digest digest, ByteRange range, OptionalLong knownBytes) throws IOException {
        Asking<BlobBody> open = leg -> open(leg, digest, range, knownBytes);
        Optional<BlobBody> body = first(sound(digest), open);
        if (body.isPresent()) {
            return body.get();
        }
        try {
            return registry.openBlob(digest, range, knownBytes);
        } catch (OutageException e) {
            // A mirror whose last body broke off is better than nobody.
            Optional<BlobBody> again = goesOn() ? first(troubled(digest), open) : body;
            return again.orElseThrow(() -> e);
        }
    }

    private Optional<BlobBody> open(Leg leg, Digest digest, ByteRange range, OptionalLong knownBytes)
            throws IOException {
        BlobBody body = leg.repository().openBlob(digest, range, knownBytes);
        return Optional.of(new MirrorBody(body, () -> memory.broke(leg.mirror(), digest)));
    }

    private List<Leg> sound(Digest digest) {
        return memory.isRefuted(digest)
                ? List.of()
                : legs.stream()
                        .filter(leg -> !memory.isBroken(leg.mirror(), digest))
                        .toList();
    }

    private List<Leg> troubled(Digest digest) {
        return memory.isRefuted(digest)
                ? List.of()
                : legs.stream()
                        .filter(leg -> memory.isBroken(leg.mirror(), digest))
                        .toList();
    }

    // What this source fails with is how the registry failed, once the mirrors have failed.
    @Override
    public Optional<OutageException> outage() {
        boolean mirrorsToo = legs.stream()
                .filter(leg -> leg.mirror().resolves())
                .allMatch(leg -> leg.repository().outage().isPresent());
        return mirrorsToo ? registry.outage() : Optional.empty();
    }

    @Override
    public Optional<OutageException> reserved() {
        return mirrorsAreOut() ? registry.reserved() : Optional.empty();
    }

    @Override
    public Optional<OutageException> spent() {
        return mirrorsAreOut() ? registry.spent() : Optional.empty();
    }

    // A mirror may have for nothing what costs a pull here; while all are known to be out none has.
    private boolean mirrorsAreOut() {
        return legs.stream().allMatch(leg -> leg.repository().outage().isPresent());
    }

    @Override
    public Optional<OutageException> blobOutage() {
        boolean mirrorsToo =
                legs.stream().allMatch(leg -> leg.repository().blobOutage().isPresent());
        return mirrorsToo ? registry.blobOutage() : Optional.empty();
    }

    // As with outages: while a mirror may be asked, somebody is.
    @Override
    public Optional<OutageException> held(boolean blob) {
        boolean mirrorsToo = legs.stream()
                .filter(leg -> blob || leg.mirror().resolves())
                .map(Leg::repository)
                .allMatch(mirror -> mirror.held(blob)
                        .or(() -> blob ? mirror.blobOutage() : mirror.outage())
                        .isPresent());
        return mirrorsToo ? registry.held(blob) : Optional.empty();
    }

    @Override
    public boolean countsPulls() {
        return registry.countsPulls();
    }

    // Of wherever the part may come from.
    @Override
    public boolean ignoresRanges() {
        return registry.ignoresRanges()
                && legs.stream().allMatch(leg -> leg.repository().ignoresRanges());
    }

    @Override
    public void refuted(Digest digest) {
        memory.refute(digest);
    }

    @Override
    public TagPage listTags(Optional<String> cursor) throws IOException {
        return registry.listTags(cursor);
    }

    @Override
    public Referrers referrers(Digest subject) throws IOException {
        return referrers(subject, KnownManifests.NONE);
    }

    // That a mirror has none may mean that it has no such list: only those that it has are believed.
    @Override
    public Referrers referrers(Digest subject, KnownManifests known) throws IOException {
        List<Leg> resolving =
                legs.stream().filter(leg -> leg.mirror().resolves()).toList();
        Optional<Referrers> found = first(
                resolving,
                leg -> Optional.of(leg.repository().referrers(subject, known))
                        .filter(referrers -> !referrers.descriptors().isEmpty()));
        return found.isPresent() ? found.get() : registry.referrers(subject, known);
    }

    private static <T> Optional<T> first(List<Leg> legs, Asking<T> asking) throws IOException {
        for (Leg leg : legs) {
            try {
                Optional<T> answer = asking.ask(leg);
                if (answer.isPresent()) {
                    leg.mirror().countAnswered();
                    return answer;
                }
            } catch (NotFoundException
                    | UnauthorizedException
                    | RefusedException
                    | OutageException
                    | InvalidContentException
                    | BlockedException e) {
                refuseToGoOn(e);
            }
            leg.mirror().countPassedOn();
        }
        return Optional.empty();
    }

    private static void refuseToGoOn(RegistryException failure) throws RegistryException {
        if (!goesOn()) {
            throw failure;
        }
    }

    // Who was interrupted asks nobody else.
    private static boolean goesOn() {
        return !Thread.currentThread().isInterrupted();
    }

    @Override
    public String toString() {
        return registry.toString();
    }
}
