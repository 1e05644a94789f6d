package dev.entrepot.replicator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.Manifest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.replicator.MemoryRegistry.Abilities;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** What becomes of the index under a fallback tag when entries are put into it. */
class FallbackIndexTest {
    private final MemoryRepository app = new MemoryRegistry("target.test", Abilities.ALL).repository("app");
    private final Shapes shapes = new Shapes(app);
    private final Descriptor image = shapes.image("amd64");
    private final Descriptor theirs = Shapes.plain(shapes.referrer(image, "x/theirs", "theirs"));
    private final Descriptor plain = Shapes.plain(shapes.referrer(image, "x/ours", "ours"));
    private final Descriptor full = new Descriptor(
            plain.mediaType(),
            plain.digest(),
            plain.sizeBytes(),
            Optional.of("x/ours"),
            Optional.empty(),
            Map.of("org.example.kind", "x/ours"),
            List.of(),
            Optional.empty());

    private ManifestBytes merged(Optional<ManifestBytes> present, Descriptor... entries)
            throws InvalidContentException {
        return FallbackIndex.merge(present, image.digest(), List.of(entries)).orElseThrow();
    }

    private static List<Descriptor> listed(ManifestBytes index) throws InvalidContentException {
        return Manifest.parse(index).manifests();
    }

    @Test
    void entryThatLacksItsArtifactTypeIsReplacedInItsPlace() throws InvalidContentException {
        ManifestBytes before = merged(Optional.empty(), plain, theirs);

        assertThat(listed(merged(Optional.of(before), full))).containsExactly(full, theirs);
    }

    @Test
    void indexThatSaysItAllIsNotWrittenAgain() throws InvalidContentException {
        ManifestBytes before = merged(Optional.empty(), theirs, full);

        assertThat(FallbackIndex.merge(Optional.of(before), image.digest(), List.of(full)))
                .isEmpty();
    }

    @Test
    void whatIsNoIndexIsNotMixedWithOne() throws InvalidContentException {
        assertThat(listed(merged(app.find(image.digest()), full))).containsExactly(full);
    }

    @Test
    void indexThatIsTheSubjectItselfIsNotMixedWithItsReferrers() throws InvalidContentException {
        Descriptor subject = shapes.index(List.of(image));

        ManifestBytes index = FallbackIndex.merge(app.find(subject.digest()), subject.digest(), List.of(full))
                .orElseThrow();

        assertThat(listed(index)).containsExactly(full);
    }
}
