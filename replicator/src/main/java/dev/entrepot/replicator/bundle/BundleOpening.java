package dev.entrepot.replicator.bundle;

import dev.entrepot.oci.Digest;
import dev.entrepot.replicator.bundle.VolumeProblem.Kind;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Opens a bundle. Which inventory counts is decided first, by signature; each volume is then read against that
 * inventory alone. For one opening.
 */
final class BundleOpening {
    private static final int MOST_BUNDLES = 8;

    private final List<BundleTrust> trust;
    private final Set<Digest> bundles = new HashSet<>();
    private final List<Candidate> candidates = new ArrayList<>();
    private final List<VolumeProblem> problems = new ArrayList<>();
    private final List<String> notes = new ArrayList<>();

    /**
     * A place that should be a volume, and what it says, or why it says nothing, and what can be told of it all the
     * same.
     */
    record Candidate(
            VolumeReader reader,
            Optional<Head> head,
            Optional<VolumeProblem> broken,
            Optional<VolumeClaims.Stated> traces) {}

    /**
     * What a volume says about itself, but for its inventory: whoever made the files decides how many and how long
     * these are, so that none is kept before it is known which one counts.
     */
    record Head(
            Optional<VolumeClaims.Stated> stated, Digest id, boolean agrees, boolean signed, Optional<Path> signer) {}

    /** The inventory that counts. */
    @SuppressWarnings("ArrayRecordComponent")
    private record Accepted(
            Digest id, byte[] document, Optional<byte[]> signature, Inventory inventory, VolumePlan plan) {}

    private BundleOpening(List<BundleTrust> trust) {
        this.trust = trust;
    }

    static Bundle.Examined examine(List<Path> arguments, List<BundleTrust> trust) throws IOException {
        return examineVolumes(VolumePlaces.find(arguments), trust);
    }

    /** As {@link Bundle#examine}, of volumes that were found. */
    static Bundle.Examined examineVolumes(List<VolumeReader> readers, List<BundleTrust> trust) throws IOException {
        BundleOpening opening = new BundleOpening(trust);
        for (VolumeReader reader : readers) {
            opening.candidates.add(opening.candidate(reader));
        }
        return opening.examine();
    }

    private Candidate candidate(VolumeReader reader) throws IOException {
        try {
            VolumeClaims head = head(reader);
            Head kept = new Head(
                    head.stated(),
                    head.id(),
                    head.agrees(),
                    head.signature().isPresent(),
                    signer(head.document(), head.signature()));
            count(kept);
            return new Candidate(reader, Optional.of(kept), Optional.empty(), Optional.empty());
        } catch (VolumeException e) {
            return new Candidate(reader, Optional.empty(), Optional.of(e.problem()), traces(reader));
        }
    }

    // An inventory that is altered has an id of its own: it is of no bundle, and said to be damaged with the others.
    private void count(Head head) throws BundleException {
        if (isTrusted(head)) {
            bundles.add(head.id());
        }
        if (bundles.size() > MOST_BUNDLES) {
            throw new BundleException("the volumes are of more than " + MOST_BUNDLES + " bundles; give those of one");
        }
    }

    private static VolumeClaims head(VolumeReader reader) throws IOException {
        try {
            return UnreadableException.reading(reader.path(), reader::head);
        } catch (UnreadableException e) {
            throw new VolumeException(VolumeProblem.unreadable(reader.path(), "at its beginning", e));
        }
    }

    private static Optional<VolumeClaims.Stated> traces(VolumeReader reader) throws IOException {
        try {
            return UnreadableException.reading(reader.path(), reader::traces);
        } catch (UnreadableException | VolumeException e) {
            return Optional.empty();
        }
    }

    private Bundle.Examined examine() throws IOException {
        Accepted accepted = accept();
        SortedMap<Integer, Bundle.Given> volumes = new TreeMap<>();
        for (Candidate candidate : candidates) {
            try {
                int number = number(candidate, accepted);
                List<VolumeEntry> expected = accepted.plan().entries(number);
                VolumeFiles files = checked(candidate, number, expected, accepted);
                Path path = candidate.reader().path();
                files.problems().forEach(problem -> problems.add(problem.in(number, accepted.id())));
                if (!files.litter().isEmpty()) {
                    notes.add("passed over in " + ShownPath.of(path) + ", where systems leave such things: "
                            + String.join(", ", files.litter()));
                }
                Bundle.Given given = new Bundle.Given(path, pieces(expected, files.slices()));
                Bundle.Given earlier = files.isWhole() ? volumes.putIfAbsent(number, given) : null;
                if (earlier != null) {
                    String what = "it is also " + ShownPath.of(earlier.path());
                    problems.add(VolumeProblem.of(Kind.TWICE, number, path, what, accepted.id()));
                }
            } catch (VolumeException e) {
                problems.add(e.problem());
            }
        }
        Bundle intact = new Bundle(
                accepted.inventory(), accepted.id(), signer(accepted.document(), accepted.signature()), volumes);
        return new Bundle.Examined(intact, problems.isEmpty() ? List.of() : named(volumes.keySet(), accepted), notes);
    }

    // One that says nothing of itself any more is the one that is not there. Where there are more such or none, those
    // that are not there are named apart.
    private List<VolumeProblem> named(Set<Integer> intact, Accepted accepted) {
        Set<Integer> open = new TreeSet<>();
        for (int volume = 1; volume <= accepted.plan().volumes(); volume++) {
            open.add(volume);
        }
        open.removeAll(intact);
        problems.forEach(problem -> problem.volume().ifPresent(open::remove));
        List<VolumeProblem> nameless = problems.stream()
                .filter(problem -> problem.volume().isEmpty() && problem.isMendedAgain())
                .toList();
        boolean known = open.size() == 1 && nameless.size() == 1;
        List<VolumeProblem> named = new ArrayList<>();
        for (VolumeProblem problem : problems) {
            named.add(
                    known && nameless.contains(problem)
                            ? problem.in(open.iterator().next(), accepted.id())
                            : problem);
        }
        if (!known) {
            open.forEach(volume -> named.add(VolumeProblem.missing(volume, accepted.id())));
        }
        return named;
    }

    private static List<Bundle.Piece> pieces(List<VolumeEntry> expected, List<Slice> slices) {
        List<Bundle.Piece> pieces = new ArrayList<>();
        for (int i = 0; i < slices.size(); i++) {
            if (!(expected.get(i).content() instanceof VolumeEntry.Content.Constant)) {
                pieces.add(new Bundle.Piece(expected.get(i), slices.get(i)));
            }
        }
        return pieces;
    }

    private static VolumeFiles checked(Candidate candidate, int number, List<VolumeEntry> expected, Accepted accepted)
            throws IOException {
        Path path = candidate.reader().path();
        VolumeProblem problem;
        try {
            return UnreadableException.reading(path, () -> candidate.reader().check(expected));
        } catch (VolumeException e) {
            problem = e.problem();
        } catch (UnreadableException e) {
            problem = VolumeProblem.unreadable(path, "between its files", e);
        }
        throw new VolumeException(problem.in(number, accepted.id()));
    }

    // The bundle that most volumes are of, of those that are trusted; the others are named as foreign to it.
    private Accepted accept() throws IOException {
        Map<Digest, List<Candidate>> trusted = new LinkedHashMap<>();
        for (Candidate candidate : candidates) {
            candidate
                    .head()
                    .filter(this::isTrusted)
                    .ifPresent(head -> trusted.computeIfAbsent(head.id(), id -> new ArrayList<>())
                            .add(candidate));
        }
        int most = trusted.values().stream().mapToInt(List::size).max().orElse(0);
        for (List<Candidate> group : trusted.values()) {
            if (group.size() == most) {
                VolumeClaims head = again(group.getFirst());
                String place = "the inventory of bundle " + head.id();
                Inventory inventory = InventoryJson.read(head.document(), place);
                return new Accepted(
                        head.id(),
                        head.document(),
                        head.signature(),
                        inventory,
                        VolumePlan.of(inventory, head.document(), head.signature()));
            }
        }
        List<VolumeProblem> why = new ArrayList<>();
        for (Candidate candidate : candidates) {
            why.add(Untrusted.why(candidate, trust));
        }
        throw new DamagedBundleException(why);
    }

    // What is read now must be what was looked at before.
    private VolumeClaims again(Candidate candidate) throws IOException {
        VolumeClaims head = head(candidate.reader());
        boolean same = head.id().equals(candidate.head().orElseThrow().id())
                && (trust.isEmpty() || signer(head.document(), head.signature()).isPresent());
        if (!same) {
            throw new BundleException(ShownPath.of(candidate.reader().path()) + " changed while it was read");
        }
        return head;
    }

    private boolean isTrusted(Head head) {
        return trust.isEmpty() ? head.agrees() : head.signer().isPresent();
    }

    private Optional<Path> signer(byte[] document, Optional<byte[]> signature) {
        return trust.stream()
                .filter(keys -> signature.isPresent() && keys.verifies(document, signature.get()))
                .map(BundleTrust::file)
                .findFirst();
    }

    /** Which volume of the accepted bundle this is to be. */
    private static int number(Candidate candidate, Accepted accepted) throws IOException {
        if (candidate.head().isEmpty()) {
            return number(
                    candidate, accepted, candidate.traces(), candidate.broken().orElseThrow());
        }
        Head head = candidate.head().get();
        boolean ours = head.stated()
                .filter(stated -> stated.bundle().equals(accepted.id()))
                .isPresent();
        if (!ours && !head.id().equals(accepted.id()) && head.agrees()) {
            throw new VolumeException(VolumeProblem.of(
                    Kind.OTHER_BUNDLE,
                    candidate.reader().path(),
                    "it is of bundle " + head.id() + ", the others are of " + accepted.id()));
        }
        VolumeProblem otherwise = VolumeProblem.of(
                Kind.ALTERED,
                candidate.reader().path(),
                VolumePlan.VOLUME + " does not name a volume of bundle " + accepted.id());
        return number(candidate, accepted, head.stated(), otherwise);
    }

    // What it says of itself may be the very thing that is damaged: it is that volume of which it has any file, and
    // if it has none of any the one that it says.
    private static int number(
            Candidate candidate, Accepted accepted, Optional<VolumeClaims.Stated> says, VolumeProblem otherwise)
            throws IOException {
        VolumeReader reader = candidate.reader();
        int volumes = accepted.plan().volumes();
        int stated = says.filter(claim -> claim.bundle().equals(accepted.id()) && claim.volume() <= volumes)
                .map(VolumeClaims.Stated::volume)
                .orElse(0);
        BadReads bad = new BadReads();
        if (stated > 0 && matches(reader, accepted.plan(), stated, bad) > 0) {
            return stated;
        }
        int best = byItsFiles(reader, accepted.plan(), bad);
        if (best == 0 && stated == 0) {
            throw new VolumeException(otherwise);
        }
        return best == 0 ? stated : best;
    }

    /** Which volume of a plan has the most of a volume's files, 0 if none has any. */
    static int byItsFiles(VolumeReader reader, VolumePlan plan) throws IOException {
        return byItsFiles(reader, plan, new BadReads());
    }

    private static int byItsFiles(VolumeReader reader, VolumePlan plan, BadReads bad) throws IOException {
        int best = 0;
        int most = 0;
        for (int volume = 1; volume <= plan.volumes(); volume++) {
            int matches = matches(reader, plan, volume, bad);
            if (matches > most) {
                most = matches;
                best = volume;
            }
        }
        return best;
    }

    private static int matches(VolumeReader reader, VolumePlan plan, int volume, BadReads bad) throws IOException {
        try {
            return UnreadableException.reading(reader.path(), () -> reader.matches(plan.entries(volume), bad));
        } catch (UnreadableException e) {
            return 0;
        }
    }
}
