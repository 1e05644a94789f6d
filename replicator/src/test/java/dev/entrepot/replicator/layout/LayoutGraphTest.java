package dev.entrepot.replicator.layout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.DigestAlgorithm;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.RepositoryTarget;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.MemoryRepository;
import dev.entrepot.replicator.Shapes;
import dev.entrepot.replicator.TargetRegistry;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What manifests of a layout hold is not deleted, whoever sent it and whenever. */
class LayoutGraphTest {
    private static final RepositoryName APP = LayoutWorld.APP;

    @TempDir
    private Path folder;

    private LayoutWorld world;

    @BeforeEach
    void open() throws IOException {
        world = new LayoutWorld(folder);
    }

    @AfterEach
    void close() throws IOException {
        world.close();
    }

    // A run that was killed has left them, by their digests.
    private void leave(Descriptor... manifests) throws IOException {
        TargetRegistry killed = world.command.target("images", folder.resolve("images"));
        killed.begin();
        for (Descriptor manifest : manifests) {
            killed.target(APP).pushManifest(world.bytes(manifest), manifest.digest());
        }
        killed.end(true);
    }

    private Set<Descriptor> there(TargetRegistry target, Descriptor... manifests) throws IOException {
        Set<Descriptor> there = new HashSet<>();
        for (Descriptor manifest : manifests) {
            if (target.reader(APP).resolve(manifest.digest()).isPresent()) {
                there.add(manifest);
            }
        }
        return there;
    }

    @ParameterizedTest
    @ValueSource(strings = {"tag", "digest, then tag", "after the index of another tool"})
    void whatATagOfAnotherRepositoryNeedsStaysThoughOnlyItsRootIsSent(String order) throws IOException {
        Descriptor grandchild = world.shapes.image("grandchild");
        Descriptor child = world.shapes.index(List.of(grandchild));
        Descriptor root = world.shapes.index(List.of(child));
        Descriptor other = world.shapes.image("other");
        leave(grandchild, child, other);
        TargetRegistry target = world.server.target("images", folder.resolve("images"));
        target.begin();
        RepositoryTarget into = target.target(APP);
        assertThat(into.deleteManifest(other.digest())).isTrue();
        RepositoryTarget another = target.target(new RepositoryName("mirror/b"));
        if (order.equals("digest, then tag")) {
            another.pushManifest(world.bytes(root), root.digest());
        }
        another.pushManifest(world.bytes(root), new Tag("living"));
        if (order.equals("after the index of another tool")) {
            world.putForeign(other, Map.of("org.opencontainers.image.ref.name", "theirs"));
        }

        assertThat(into.deleteManifest(grandchild.digest())).isFalse();
        assertThat(into.deleteManifest(child.digest())).isFalse();

        assertThat(there(target, grandchild, child, root)).hasSize(3);
        assertThat(another.deleteManifest(root.digest())).isTrue();
        assertThat(into.deleteManifest(child.digest())).isTrue();
        assertThat(into.deleteManifest(grandchild.digest())).isTrue();
        target.end(true);
        assertThat(there(target, grandchild, child, root)).isEmpty();
    }

    @Test
    void whatATagNeedsStaysThoughWhatNamesItCameAsABlob() throws IOException {
        Descriptor grandchild = world.shapes.image("grandchild");
        Descriptor child = world.shapes.index(List.of(grandchild));
        leave(grandchild);
        TargetRegistry target = world.server.target("images", folder.resolve("images"));
        target.begin();
        RepositoryTarget into = target.target(APP);
        into.pushManifest(world.bytes(world.shapes.index(List.of(child))), new Tag("living"));
        into.deleteManifest(Digest.sha256(new byte[0]));
        MemoryRepository blobs = world.source.repository("app");
        into.pushBlob(
                world.shapes.blob(
                        child.mediaType(), new String(world.bytes(child).array(), StandardCharsets.UTF_8)),
                blobs);

        assertThat(into.deleteManifest(grandchild.digest())).isFalse();

        target.end(true);
        assertThat(there(target, grandchild, child)).hasSize(2);
    }

    @Test
    void referrerStaysForARepositoryThatHasItsSubjectAnewAfterItLetItGo() throws IOException {
        Descriptor image = world.shapes.image("image");
        Descriptor referrer = world.shapes.referrer(image, "x/signature", "signature");
        RepositoryName other = new RepositoryName("mirror/b");
        TargetRegistry target = world.server.target("images", folder.resolve("images"));
        target.begin();
        for (RepositoryName name : List.of(APP, other)) {
            target.target(name).pushManifest(world.bytes(image), new Tag("v1"));
            target.target(name).pushManifest(world.bytes(referrer), referrer.digest());
        }
        assertThat(target.target(APP).deleteManifest(referrer.digest())).isFalse();

        target.target(APP).pushManifest(world.bytes(image), new Tag("v2"));
        assertThat(target.target(other).deleteManifest(referrer.digest())).isFalse();
        assertThat(there(target, referrer)).hasSize(1);

        assertThat(target.target(APP).deleteManifest(referrer.digest())).isTrue();
        target.end(true);
        assertThat(there(target, image, referrer)).containsExactly(image);
    }

    @Test
    void nothingIsDeletedBesideADamagedManifestThatATagNeeds() throws IOException {
        Descriptor grandchild = world.shapes.image("grandchild");
        Descriptor child = world.shapes.index(List.of(grandchild));
        leave(grandchild, child);
        Path file = folder.resolve("images/blobs/sha256").resolve(child.digest().encoded());
        Files.writeString(file, "damaged");
        TargetRegistry target = world.server.target("images", folder.resolve("images"));
        target.begin();
        RepositoryTarget into = target.target(APP);
        Descriptor root = world.shapes.index(List.of(child));
        into.pushManifest(world.bytes(root), root.digest());
        Descriptor other = world.shapes.image("other");
        into.pushManifest(world.bytes(other), other.digest());
        assertThat(into.deleteManifest(other.digest()))
                .as("nothing needs what is damaged")
                .isTrue();
        into.pushManifest(world.bytes(root), new Tag("living"));

        assertThatThrownBy(() -> into.deleteManifest(grandchild.digest()))
                .isInstanceOf(InvalidContentException.class)
                .hasMessageContaining("copy into it once more the image that it is of");

        into.pushManifest(world.bytes(child), child.digest());
        assertThat(into.deleteManifest(grandchild.digest())).isFalse();
        target.end(true);
    }

    // The same bytes as a blob: a tool that keeps manifests of others does so.
    private Descriptor keeping(Descriptor manifest) throws IOException {
        String content = new String(world.bytes(manifest).array(), StandardCharsets.UTF_8);
        return world.shapes.manifest(
                DigestAlgorithm.SHA256,
                MediaType.OCI_MANIFEST,
                world.shapes.blob(MediaType.OCI_EMPTY, "{}"),
                List.of(world.shapes.blob(new MediaType("application/json"), content)),
                Optional.empty(),
                Optional.of("x/backup"));
    }

    private Path file(Descriptor manifest) {
        return folder.resolve("images/blobs/sha256").resolve(manifest.digest().encoded());
    }

    @ParameterizedTest
    @ValueSource(strings = {"both at once", "another process", "a child of an index", "another tool, meanwhile"})
    void manifestThatIsALayerOfAnotherStaysAsLongAsThat(String how) throws IOException {
        Descriptor image = world.shapes.image("image");
        Descriptor backup = keeping(image);
        Descriptor holder = how.equals("a child of an index") ? world.shapes.index(List.of(backup)) : backup;
        boolean meanwhile = how.equals("another tool, meanwhile");
        world.put(world.command, "images", APP.value(), "v1", image);
        if (!meanwhile) {
            world.put(world.command, "images", APP.value(), "backup", backup);
            world.put(world.command, "images", APP.value(), "backup", holder);
        }
        LayoutTargets process = how.equals("both at once") ? world.command : world.server;
        TargetRegistry target = process.target("images", folder.resolve("images"));
        target.begin();
        RepositoryTarget into = target.target(APP);
        assertThat(into.deleteManifest(new Tag("v1"))).isTrue();

        assertThat(into.deleteManifest(image.digest())).isEqualTo(meanwhile);
        if (meanwhile) {
            world.putForeign(backup, Map.of("org.opencontainers.image.ref.name", "backup"));
        }
        target.end(true);

        assertThat(world.names("images")).containsExactly("backup");
        assertThat(file(image)).hasBinaryContent(world.bytes(image).array());
        target.begin();
        into.deleteManifest(new Tag("backup"));
        assertThat(into.deleteManifest(holder.digest())).isTrue();
        assertThat(into.deleteManifest(image.digest())).isTrue();
        target.end(true);
        assertThat(file(image)).doesNotExist();
    }

    @Test
    void whatAManifestNamesThatStaysAsALayerGoes() throws IOException {
        Descriptor image = world.shapes.image("image");
        Descriptor index = world.shapes.index(List.of(image));
        TargetRegistry target = world.server.target("images", folder.resolve("images"));
        target.begin();
        RepositoryTarget into = target.target(APP);
        into.pushManifest(world.bytes(image), image.digest());
        into.pushManifest(world.bytes(index), new Tag("v1"));
        into.pushManifest(world.bytes(keeping(index)), new Tag("backup"));
        into.deleteManifest(new Tag("v1"));

        assertThat(into.deleteManifest(index.digest())).isFalse();
        assertThat(into.deleteManifest(image.digest())).isTrue();

        target.end(true);
        assertThat(file(index)).exists();
        assertThat(file(image)).doesNotExist();
    }

    @Test
    void holdersOfABlobAreFoundAmongMany() throws IOException {
        BlobHolders holders = new BlobHolders();
        Descriptor shared = world.shapes.blob(Shapes.LAYER, "shared");
        Set<Digest> images = new HashSet<>();
        for (int number = 0; number < 2000; number++) {
            Digest image = Digest.sha256(("image " + number).getBytes(StandardCharsets.UTF_8));
            images.add(image);
            holders.note(image, List.of(shared, world.shapes.blob(Shapes.LAYER, "layer " + number), shared));
        }

        assertThat(holders.of(shared.digest())).isEqualTo(images);
        assertThat(images).allMatch(image -> holders.of(image).isEmpty());
        for (int number = 0; number < 2000; number += 100) {
            assertThat(holders.of(
                            world.shapes.blob(Shapes.LAYER, "layer " + number).digest()))
                    .containsExactly(Digest.sha256(("image " + number).getBytes(StandardCharsets.UTF_8)));
        }
    }
}
