package dev.entrepot.replicator.bundle;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * What is complete at the receiving side, as that side says (docs/air-gap.md). All names are the source's.
 *
 * @param bundle the bundle that it answers; empty if it was made of the target alone
 * @param target name of the target, for people; no control characters, at most 1000
 * @param made when the target was asked, in whole seconds; empty in receipts of earlier versions
 * @param images complete there, by repository and tag
 * @param held by repository, what the target was asked for and has, and a tag of an image there holds
 * @param loose by repository, what the target was asked for and has, and nothing that is known keeps from its garbage
 *     collection
 * @param lost by repository, what the inventory or an earlier receipt says that the target has, and it has not
 * @param missingVolumes volumes that were not given and are still needed, sorted
 */
public record Receipt(
        Optional<Digest> bundle,
        String target,
        Optional<Instant> made,
        List<Image> images,
        SortedMap<RepositoryName, SortedSet<Digest>> held,
        SortedMap<RepositoryName, SortedSet<Digest>> loose,
        SortedMap<RepositoryName, SortedSet<Digest>> lost,
        List<Integer> missingVolumes) {
    /** The version of the document that is written and read. */
    public static final int VERSION = 1;

    /**
     * An image that is complete at the target.
     *
     * @param repository its repository
     * @param tag its tag
     * @param manifest what the tag names there; of an index that was trimmed for the target, the trimmed one
     */
    public record Image(RepositoryName repository, Tag tag, Digest manifest) {
        static final Comparator<Image> ORDER =
                Comparator.comparing(Image::repository).thenComparing(Image::tag);
    }

    /** One of which it is not known when it was made, and in which nothing is loose, as earlier versions wrote them. */
    public Receipt(
            Optional<Digest> bundle,
            String target,
            List<Image> images,
            SortedMap<RepositoryName, SortedSet<Digest>> held,
            SortedMap<RepositoryName, SortedSet<Digest>> lost,
            List<Integer> missingVolumes) {
        this(bundle, target, Optional.empty(), images, held, new TreeMap<>(), lost, missingVolumes);
    }

    /** Checks orders, and that nothing is both held and lost in one repository. */
    public Receipt {
        Checks.that(
                target.length() <= 1000 && target.chars().noneMatch(Character::isISOControl),
                "the name of the target is too long or has control characters");
        images = Checks.sorted(images, Image.ORDER, "images");
        Checks.that(
                made.isEmpty() || made.get().equals(made.get().truncatedTo(ChronoUnit.SECONDS)),
                "the time is not in whole seconds");
        held = copy(held);
        loose = copy(loose);
        lost = copy(lost);
        missingVolumes = Checks.sorted(missingVolumes, Comparator.naturalOrder(), "missing volumes");
        missingVolumes.forEach(Checks::volume);
        Checks.that(bundle.isPresent() || missingVolumes.isEmpty(), "volumes are missing of no bundle");
        apart(lost, held, "held and lost");
        apart(lost, loose, "loose and lost");
        apart(loose, held, "held and loose");
    }

    private static void apart(
            SortedMap<RepositoryName, SortedSet<Digest>> some,
            SortedMap<RepositoryName, SortedSet<Digest>> others,
            String both) {
        some.forEach((repository, digests) -> Checks.that(
                Collections.disjoint(digests, others.getOrDefault(repository, Collections.emptySortedSet())),
                "something is both " + both + " in " + repository));
    }

    private static SortedMap<RepositoryName, SortedSet<Digest>> copy(
            SortedMap<RepositoryName, SortedSet<Digest>> byRepository) {
        SortedMap<RepositoryName, SortedSet<Digest>> copy = new TreeMap<>();
        byRepository.forEach((repository, digests) -> {
            Checks.that(!digests.isEmpty(), "the list of " + repository + " is empty");
            copy.put(repository, Collections.unmodifiableSortedSet(new TreeSet<>(digests)));
        });
        return Collections.unmodifiableSortedMap(copy);
    }

    /** Whether the target has this in this repository, and a tag there holds it. */
    public boolean holds(RepositoryName repository, Digest digest) {
        return held.getOrDefault(repository, Collections.emptySortedSet()).contains(digest);
    }
}
