package dev.entrepot.replicator.bundle;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.ReplicationRunner.Wanted;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ArrivedFileTest {
    private static final RepositoryName HERE = new RepositoryName("team/app");
    private static final RepositoryName THERE = new RepositoryName("mirror/team/app");

    @TempDir
    private Path folder;

    private static Digest digest(int number) {
        return Digest.sha256(String.valueOf(number).getBytes(StandardCharsets.UTF_8));
    }

    private static Arrived.Node node(int number) {
        Descriptor descriptor = Descriptor.of(MediaType.OCTET_STREAM, digest(number), number);
        return new Arrived.Node(new Wanted(HERE, descriptor, number % 2 == 0), THERE, number % 3 == 0);
    }

    private static Arrived.Image image(String tag, int... members) {
        List<Digest> digests =
                Arrays.stream(members).mapToObj(ArrivedFileTest::digest).toList();
        Map<Tag, Digest> cosign = members.length > 1 ? Map.of(new Tag("sha256-a.sig"), digests.getLast()) : Map.of();
        return new Arrived.Image(
                HERE, new Tag(tag), new Arrived.Name(THERE, new Tag("as-" + tag)), digests.getFirst(), digests, cosign);
    }

    private static Arrived some() {
        Arrived arrived = new Arrived();
        for (int i = 0; i < 10; i++) {
            arrived.put(node(i));
        }
        arrived.put(image("old", 0, 9));
        arrived.put(image("middle", 7));
        arrived.put(image("new", 8, 9));
        return arrived;
    }

    @Test
    void whatWasWrittenIsRead() throws Exception {
        ArrivedFile file = ArrivedFile.of(folder, "registry.test");
        assertThat(file.read().nodes()).isEmpty();
        Arrived arrived = some();

        file.write(arrived, "registry.test");

        assertThat(file.read().nodes()).containsExactlyElementsOf(arrived.nodes());
        assertThat(file.read().images()).containsExactlyElementsOf(arrived.images());
        assertThat(ArrivedFile.of(folder, "other.test").read().nodes()).isEmpty();
        assertThat(folder).isDirectoryNotContaining("glob:**.incoming");
    }

    @Test
    void anImageOfATrimmedIndexThatNamesNothingIsReadToo() throws Exception {
        ArrivedFile file = ArrivedFile.of(folder, "registry.test");
        Arrived arrived = new Arrived();
        arrived.put(node(7));
        arrived.put(image("empty", 7).trimmedTo(digest(5)));

        file.write(arrived, "registry.test");

        assertThat(file.read().images()).singleElement().satisfies(image -> {
            assertThat(image.manifest()).isEqualTo(digest(5));
            assertThat(image.members()).isEmpty();
        });
    }

    @Test
    void theOldestAreForgottenWhereThereAreTooMany() {
        Arrived bounded = some().bounded(4, 100);
        assertThat(bounded.nodes()).containsExactly(node(6), node(7), node(8), node(9));
        assertThat(bounded.images()).containsExactly(image("middle", 7), image("new", 8, 9));
        assertThat(some().bounded(100, 1).images()).containsExactly(image("new", 8, 9));
    }

    @Test
    void anImageTakesTheTagOfAnotherWhenItHasIt() {
        Arrived arrived = some();
        arrived.put(image("middle", 1));
        assertThat(arrived.images())
                .containsExactly(image("old", 0, 9), image("middle", 7), image("new", 8, 9), image("middle", 1));

        assertThat(arrived.standing(List.of(image("middle", 1), image("old", 0, 9))))
                .isTrue();

        assertThat(arrived.images()).containsExactly(image("old", 0, 9), image("new", 8, 9), image("middle", 1));
        assertThat(arrived.standing(List.of(image("middle", 1)))).isFalse();
    }
}
