package dev.entrepot.replicator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.RefusedException;
import dev.entrepot.oci.RegistryException;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.UnauthorizedException;
import dev.entrepot.replicator.MemoryRegistry.Abilities;
import java.io.IOException;
import java.util.List;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What prune makes of what a target refuses to delete, or keeps for itself. */
class RefusedDeletionsPruneTest extends LeftoverFixture {
    private static RegistryException refusal(int status) {
        return status == 403
                ? new UnauthorizedException(403, "these credentials may not delete")
                : new RefusedException(status, "", "it is locked");
    }

    private void refuse(int status, Predicate<String> request) {
        target.gate((index, line) -> {
            if (request.test(line)) {
                throw refusal(status);
            }
        });
    }

    private static String deletionOf(Descriptor manifest) {
        return "DELETE manifest mirror/app " + manifest.digest();
    }

    private void isDue() throws IOException {
        shapes.tag("v2", shapes.image("other"));
        complete();
        app.tags.remove(new Tag("v1"));
        complete();
        engine.clock.pass(PAST);
    }

    // Under a tag that is pruned

    @ParameterizedTest
    @ValueSource(ints = {403, 405, 409})
    void subjectUnderAPrunedTagStaysWithAReferrerThatTheTargetRefusesToDelete(int status) throws IOException {
        Descriptor image = shapes.image("amd64");
        Descriptor signature = shapes.referrer(image, "x/sig", "signature");
        Descriptor sbom = shapes.referrer(image, "x/sbom", "packages");
        shapes.tag("v1", image);
        isDue();
        refuse(status, deletionOf(signature)::equals);

        complete();

        assertThat(mirror.tags).doesNotContainKey(new Tag("v1"));
        assertThat(mirror.manifests)
                .containsKeys(image.digest(), signature.digest())
                .doesNotContainKey(sbom.digest());
        assertThat(listed(mirror, image)).containsExactly(signature.digest());

        target.gate((index, request) -> {});
        engine.clock.pass(PAST);
        complete();
        assertThat(mirror.manifests).doesNotContainKeys(image.digest(), signature.digest());
        assertThat(mirror.tags).doesNotContainKey(image.digest().referrersTag());
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void imageUnderAPrunedTagThatTheTargetRefusesToDeleteKeepsItsSignatures(boolean deletesTags) throws IOException {
        Descriptor image = shapes.image("amd64");
        Descriptor referrer = shapes.referrer(image, "x/sig", "signature");
        Tag cosign = new Tag(Shapes.stem(image) + ".sig");
        shapes.tag(cosign.value(), shapes.image("cosign"));
        Descriptor index = shapes.index(List.of(image));
        shapes.tag("v1", index);
        isDue();
        Digest signature = mirror.tags.get(cosign);
        refuse(
                405,
                line -> line.equals(deletionOf(image))
                        || !deletesTags && line.startsWith("DELETE") && !line.contains(" sha256:"));

        complete();

        assertThat(mirror.manifests)
                .containsKeys(image.digest(), signature)
                .doesNotContainKeys(index.digest(), referrer.digest());
        assertThat(mirror.tags).containsEntry(cosign, signature);
        assertThat(listed(mirror, image)).as("what has gone").isEmpty();

        target.gate((index1, request) -> {});
        engine.clock.pass(PAST);
        complete();
        assertThat(mirror.manifests).doesNotContainKeys(image.digest(), signature);
        assertThat(mirror.tags).containsOnlyKeys(new Tag("v2"));
    }

    @ParameterizedTest
    @MethodSource("abilities")
    void signatureOfASignatureGoesAfterIt(Abilities abilities) throws IOException {
        use(abilities);
        Descriptor image = shapes.image("amd64");
        Descriptor cosign = shapes.image("cosign");
        Descriptor second = shapes.image("cosign of cosign");
        Descriptor referrer = shapes.referrer(cosign, "x/sig", "signature of cosign");
        shapes.tag(Shapes.stem(image) + ".sig", cosign);
        shapes.tag(Shapes.stem(cosign) + ".sig", second);
        shapes.tag("v1", image);
        isDue();
        target.forgetRequests();

        complete();

        assertThat(target.requests("DELETE manifest mirror/app sha256:"))
                .filteredOn(line -> List.of(image, cosign, second, referrer).stream()
                        .anyMatch(manifest -> line.equals(deletionOf(manifest))))
                .containsExactly(deletionOf(referrer), deletionOf(image), deletionOf(cosign), deletionOf(second));
        assertThat(mirror.tags).containsOnlyKeys(new Tag("v2"));
    }

    @Test
    void restOfAGraphStaysWithAnIndexThatTheTargetNeitherDeletesNorShows() throws IOException {
        Descriptor child = shapes.image("amd64");
        Descriptor index = shapes.index(List.of(child));
        shapes.tag("v1", index);
        isDue();
        refuse(403, line -> line.equals(deletionOf(index)) || line.equals("GET manifest mirror/app " + index.digest()));

        assertThat(complete().items())
                .anySatisfy(item ->
                        assertThat(item.reason()).contains("it refuses to delete 1 others: these credentials may not"));

        assertThat(mirror.manifests).containsKeys(index.digest(), child.digest());
    }
}
