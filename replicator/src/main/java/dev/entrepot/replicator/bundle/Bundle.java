package dev.entrepot.replicator.bundle;

import dev.entrepot.oci.BlobBody;
import dev.entrepot.oci.ByteRange;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestBytes;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.LongConsumer;
import java.util.function.Predicate;

/**
 * A bundle that was opened: its inventory, which is signed by a key that is trusted or is meant not to be, and those of
 * its volumes that were given. Of these everything is as it was exported but the content with a digest, which
 * {@link #verify} looks at. Keeps no file open. Immutable and safe for all threads.
 */
public final class Bundle {
    private final Inventory inventory;
    private final Digest id;
    private final Optional<Path> trusted;
    private final SortedMap<Integer, Given> volumes;
    private final Map<Digest, Slice> whole = new HashMap<>();
    private final Map<Digest, Map<Integer, Slice>> parts = new HashMap<>();

    /**
     * A file of a volume that has a digest.
     *
     * @param entry what it is
     * @param slice where it is
     */
    record Piece(VolumeEntry entry, Slice slice) {}

    /**
     * A volume that was given.
     *
     * @param path where it is
     * @param pieces its files with a digest
     */
    record Given(Path path, List<Piece> pieces) {}

    Bundle(Inventory inventory, Digest id, Optional<Path> trusted, SortedMap<Integer, Given> volumes) {
        this.inventory = inventory;
        this.id = id;
        this.trusted = trusted;
        this.volumes = new TreeMap<>(volumes);
        volumes.values().forEach(volume -> volume.pieces().forEach(this::take));
    }

    private Bundle(Bundle given, Map<Digest, Map<Integer, Slice>> kept) {
        this(given.inventory, given.id, given.trusted, given.volumes);
        kept.forEach(
                (blob, slices) -> slices.forEach(parts.computeIfAbsent(blob, digest -> new HashMap<>(4))::putIfAbsent));
    }

    /** The same bundle, with parts of blobs that are at hand elsewhere; its volumes are those that were given. */
    Bundle with(Map<Digest, Map<Integer, Slice>> kept) {
        return kept.isEmpty() ? this : new Bundle(this, kept);
    }

    private void take(Piece piece) {
        switch (piece.entry().content()) {
            case VolumeEntry.Content.Manifest manifest -> whole.put(manifest.digest(), piece.slice());
            case VolumeEntry.Content.Blob blob -> whole.put(blob.digest(), piece.slice());
            case VolumeEntry.Content.Part part ->
                parts.computeIfAbsent(part.blob(), digest -> new HashMap<>(4)).put(part.number(), piece.slice());
            case VolumeEntry.Content.Fallback fallback -> {}
            case VolumeEntry.Content.Constant constant -> {}
        }
    }

    /**
     * Opens a bundle: finds its volumes, looks at the signature before anything of it is believed, and compares
     * everything but the content of manifests and blobs.
     *
     * @param arguments volumes in tars or folders, and folders that have some; at least one
     * @param trust the keys of which any one is trusted; none if it is meant that the bundle need not be signed
     * @throws DamagedBundleException if anything of what was given is not as it was exported; the message names all of
     *     it
     * @throws BundleException if the inventory is none
     * @throws IOException if a folder cannot be listed, or the thread is interrupted
     */
    public static Bundle open(List<Path> arguments, List<BundleTrust> trust) throws IOException {
        Examined examined = examine(arguments, trust);
        if (!examined.problems().isEmpty()) {
            throw new DamagedBundleException(examined.problems());
        }
        return examined.bundle();
    }

    /**
     * Opens what is intact of a bundle, as {@link #open} does, and says what is wrong with the rest.
     *
     * @throws DamagedBundleException if of nothing that was given it is known what bundle it is of
     * @throws BundleException if the inventory is none
     * @throws IOException if a folder cannot be listed, or the thread is interrupted
     */
    public static Examined examine(List<Path> arguments, List<BundleTrust> trust) throws IOException {
        return BundleOpening.examine(arguments, trust);
    }

    /**
     * A bundle that was opened as far as it is intact.
     *
     * @param bundle with the volumes of which everything but the content is as it was exported
     * @param problems what is wrong with the others, those that were not given included if anything is; and what is in
     *     the folder of one and does not belong there
     * @param notes what was passed over, a line for each volume
     */
    public record Examined(Bundle bundle, List<VolumeProblem> problems, List<String> notes) {
        /** Copies the lists. */
        public Examined {
            problems = List.copyOf(problems);
            notes = List.copyOf(notes);
        }

        /**
         * Looks at the content of the volumes that are intact, also where others are not, so that all that is wrong is
         * known at once.
         *
         * @param moved told of bytes that were looked at; from several threads
         * @throws DamagedBundleException if anything is not as it was exported, or cannot be read; the message names
         *     all of it
         * @throws IOException if the thread is interrupted
         */
        public void verify(LongConsumer moved) throws IOException {
            List<VolumeProblem> all = new ArrayList<>(problems);
            try {
                bundle.verify(moved);
            } catch (DamagedBundleException e) {
                e.problems().stream()
                        .filter(problem -> problems.isEmpty() || problem.kind() != VolumeProblem.Kind.MISSING)
                        .forEach(all::add);
            }
            if (!all.isEmpty()) {
                throw new DamagedBundleException(all);
            }
        }
    }

    /**
     * Looks at the content of all volumes that were given: each manifest and blob by its digest, and each manifest's
     * own words against the inventory's.
     *
     * @param moved told of bytes that were looked at; from several threads
     * @throws DamagedBundleException if anything is not as it was exported, or cannot be read; the message names what,
     *     for each volume
     * @throws IOException if the thread is interrupted
     */
    public void verify(LongConsumer moved) throws IOException {
        verify(content -> true, moved);
    }

    /** The same of a part of the content. */
    void verify(Predicate<VolumeEntry.Content> which, LongConsumer moved) throws IOException {
        new ContentCheck(this, which, moved).check();
    }

    /** What it carries. */
    public Inventory inventory() {
        return inventory;
    }

    /** Its id: the digest of the inventory document. */
    public Digest id() {
        return id;
    }

    /** The file of the key that its signature is by; empty if it was not asked for. */
    public Optional<Path> trusted() {
        return trusted;
    }

    /** The numbers of the volumes that were given. */
    public SortedSet<Integer> volumes() {
        return new TreeSet<>(volumes.keySet());
    }

    /** The numbers of the volumes that were not given. */
    public SortedSet<Integer> missing() {
        SortedSet<Integer> missing = new TreeSet<>();
        for (int volume = 1; volume <= inventory.volumes(); volume++) {
            if (!volumes.containsKey(volume)) {
                missing.add(volume);
            }
        }
        return missing;
    }

    /** The volumes that were not given, as problems of whoever needs them. */
    public List<VolumeProblem> missingVolumes() {
        return missing().stream()
                .map(volume -> VolumeProblem.missing(volume, id))
                .toList();
    }

    /** How many bytes of content the volumes that were given have. */
    public long contentBytes() {
        return volumes.values().stream()
                .flatMap(volume -> volume.pieces().stream())
                .mapToLong(piece -> piece.slice().bytes())
                .sum();
    }

    /** The volumes that were given, by number. */
    SortedMap<Integer, Given> given() {
        return volumes;
    }

    /** Whether all of a manifest is in the volumes that were given. */
    public boolean has(BundledManifest manifest) {
        return whole.containsKey(manifest.digest());
    }

    /** Where a blob is in the volumes that were given, in its order; empty unless all of it is. */
    public List<Slice> slices(BundledBlob blob) {
        Slice one = whole.get(blob.digest());
        if (one != null) {
            return List.of(one);
        }
        Map<Integer, Slice> some = parts.getOrDefault(blob.digest(), Map.of());
        if (!(blob.placement() instanceof Placement.InParts placed)
                || some.size() < placed.parts().size()) {
            return List.of();
        }
        List<Slice> slices = new ArrayList<>();
        for (int number = 1; number <= placed.parts().size(); number++) {
            Slice slice = some.get(number);
            if (slice != null) {
                slices.add(slice);
            }
        }
        return slices;
    }

    /** Where a part of a blob is in the volumes that were given. */
    Optional<Slice> part(Digest blob, int number) {
        return Optional.ofNullable(parts.getOrDefault(blob, Map.of()).get(number));
    }

    /** Whether a part of a blob is in the volumes that were given. */
    boolean hasPart(Digest blob, int number) {
        return part(blob, number).isPresent();
    }

    /** Whether all of a blob is in the volumes that were given. */
    public boolean has(BundledBlob blob) {
        return !slices(blob).isEmpty();
    }

    /**
     * The bytes of a manifest, verified; empty if it is in no volume that was given.
     *
     * @throws dev.entrepot.oci.InvalidContentException if they are not what the digest says
     */
    public Optional<ManifestBytes> read(BundledManifest manifest) throws IOException {
        Slice slice = whole.get(manifest.digest());
        return slice == null
                ? Optional.empty()
                : Optional.of(
                        ManifestBytes.verified(manifest.descriptor().mediaType(), manifest.digest(), slice.read()));
    }

    /**
     * Opens a blob, which the caller closes; empty unless all of it is in volumes that were given.
     *
     * @throws IOException if a file cannot be opened
     */
    public Optional<BlobBody> open(BundledBlob blob, ByteRange range) throws IOException {
        List<Slice> slices = slices(blob);
        return slices.isEmpty() ? Optional.empty() : Optional.of(new SlicesBody(slices, range.first()));
    }
}
