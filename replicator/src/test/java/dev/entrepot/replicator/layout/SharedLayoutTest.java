package dev.entrepot.replicator.layout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.BlobSource;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.Manifest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.PushedManifest;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.RepositorySource;
import dev.entrepot.oci.RepositoryTarget;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.MemoryRepository;
import dev.entrepot.replicator.ReplicationReport;
import dev.entrepot.replicator.ReplicationReport.Outcome;
import dev.entrepot.replicator.ReportWriter;
import dev.entrepot.replicator.SourceRegistry;
import dev.entrepot.replicator.TargetRegistry;
import dev.entrepot.replicator.WriteLock;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Layouts to which other processes and other tools write, or which they carry away. */
class SharedLayoutTest {
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

    @Test
    void whatAnotherProcessPutThereStaysWhenTheServerGoesOn() throws IOException {
        world.signed("v1");
        world.run(world.server, "images", Outcome.COMPLETE);
        world.put(world.command, "images", "team/imported", "v7", world.shapes.image("imported"));
        world.signed("v2");

        world.run(world.server, "images", Outcome.COMPLETE);

        assertThat(world.names("images"))
                .containsExactlyInAnyOrder("mirror/app:v1", "mirror/app:v2", "team/imported:v7");
    }

    @Test
    void whatAnotherToolPutsThereInTheMiddleOfARunStays() throws IOException {
        Descriptor first = world.signed("v1");
        TargetRegistry target = world.server.target("images", folder.resolve("images"));
        RepositoryTarget into = target.target(APP);
        target.begin();
        into.pushManifest(world.bytes(first), new Tag("v1"));
        into.settle();
        world.change(index -> index.withArray("manifests")
                .add(world.entry(first, Map.of("org.opencontainers.image.ref.name", "by-hand"))));
        into.pushManifest(world.bytes(first), new Tag("v2"));
        target.end(true);

        assertThat(world.names("images")).contains("by-hand").hasSize(3);
    }

    @Test
    void folderThatWasCarriedAwayIsWrittenAgain() throws IOException {
        Descriptor image = world.signed("v1");
        world.run(world.server, "images", Outcome.COMPLETE);
        Files.move(folder.resolve("images"), folder.resolve("taken"));

        world.run(world.server, "images", Outcome.COMPLETE);

        assertThat(world.names("images")).containsExactly("v1");
        assertThat(world.reader("images", APP).referrers(image.digest()).descriptors())
                .hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"images", "images.tar"})
    void twoProcessesDoNotWriteAtOneTime(String file) throws IOException {
        world.signed("v1");
        TargetRegistry other = world.command.target(file, folder.resolve(file));
        other.begin();

        ReplicationReport report = world.run(world.server, file, Outcome.FAILED);

        assertThat(ReportWriter.toText(report)).contains(file + ": another process is writing to it");
        other.end(true);
        assertThat(folder.resolve(file)).doesNotExist();
        world.run(world.server, file, Outcome.COMPLETE);
        assertThat(world.names(file)).containsExactly("v1");
        try (Stream<Path> files = Files.walk(folder)) {
            assertThat(files.filter(path -> path.toString().endsWith(".lock"))).isEmpty();
        }
    }

    @Test
    void whatAKilledProcessHasLeftIsSweptAndFilesAreForAllWhoMayReadOthers() throws IOException {
        world.signed("v1");
        Path left =
                Files.createDirectories(folder.resolve("images/blobs/sha256")).resolve(".incoming-1234");
        Files.writeString(left, "half a blob");
        Path plain = Files.writeString(folder.resolve("plain"), "");

        world.run(world.server, "images", Outcome.COMPLETE);

        assertThat(left).doesNotExist();
        assertThat(Files.getPosixFilePermissions(world.indexFile())).isEqualTo(Files.getPosixFilePermissions(plain));
    }

    @Test
    void tagThatCouldNotBeWrittenIsNotTakenForWritten() throws IOException {
        Descriptor image = world.signed("v1");
        RepositoryTarget into =
                world.server.target("images", folder.resolve("images")).target(APP);
        into.pushManifest(world.bytes(image), new Tag("v1"));
        Path inTheWay = Files.createDirectories(world.indexFile().resolve("in the way"));
        assertThatThrownBy(into::settle).isInstanceOf(IOException.class);
        Files.delete(inTheWay);
        Files.delete(world.indexFile());

        into.settle();

        assertThat(world.names("images")).containsExactly("v1");
    }

    @Test
    void tarThatAnotherProgramHasChangedMeanwhileIsNotReplaced() throws IOException {
        Descriptor first = world.signed("v1");
        world.putForeign(world.shapes.image("of others"), Map.of("org.opencontainers.image.ref.name", "theirs"));
        TargetRegistry target = world.server.target("images.tar", folder.resolve("images.tar"));
        target.begin();
        RepositoryTarget into = target.target(APP);
        for (Descriptor blob : Manifest.parse(world.bytes(first)).blobs()) {
            into.pushBlob(blob, world.source.repository("app"));
        }
        into.pushManifest(world.bytes(first), new Tag("v1"));
        into.settle();
        world.pack();

        assertThatThrownBy(() -> target.end(true))
                .isInstanceOf(FileSystemException.class)
                .hasMessageContaining("another program has changed it");
        assertThat(world.names("images.tar")).containsExactly("theirs");

        world.run(world.server, "images.tar", Outcome.COMPLETE);
        assertThat(world.names("images.tar")).containsExactlyInAnyOrder("theirs", "mirror/app:v1");
        assertThat(folder.resolve(".images.tar.parts")).doesNotExist();
    }

    @Test
    void tagThatAnotherToolTakesAwayIsNotCalledComplete() throws IOException {
        Descriptor image = world.signed("v1");
        world.putForeign(world.shapes.image("of others"), Map.of("org.opencontainers.image.ref.name", "theirs"));
        byte[] before = Files.readAllBytes(world.indexFile());
        TargetRegistry target = world.server.target("images", folder.resolve("images"));
        target.begin();
        RepositoryTarget into = target.target(APP);
        into.pushManifest(world.bytes(image), new Tag("v1"));
        into.settle();
        Files.write(world.indexFile(), before);

        assertThatThrownBy(() -> target.end(true)).hasMessageContaining("taken mirror/app:v1 out of the index");

        world.run(world.server, "images", Outcome.COMPLETE);
        assertThat(world.names("images")).containsExactlyInAnyOrder("theirs", "mirror/app:v1");
    }

    @Test
    void runIsNotBlamedForWhatAnotherHasNamed() throws IOException {
        Descriptor image = world.signed("v1");
        world.putForeign(world.shapes.image("of others"), Map.of("org.opencontainers.image.ref.name", "theirs"));
        byte[] before = Files.readAllBytes(world.indexFile());
        TargetRegistry first = world.server.target("images", folder.resolve("images"));
        TargetRegistry second = world.server.target("images", folder.resolve("images"));
        first.begin();
        second.begin();
        first.target(APP).pushManifest(world.bytes(image), new Tag("v1"));
        first.target(APP).settle();
        Files.write(world.indexFile(), before);
        second.target(APP).pushManifest(world.bytes(image), new Tag("v2"));

        second.end(true);

        assertThatThrownBy(() -> first.end(true)).hasMessageContaining("taken mirror/app:v1 out of the index");
        assertThat(world.names("images")).containsExactlyInAnyOrder("theirs", "mirror/app:v2");
    }

    @Test
    void tagOfOneRepositoryIsMissedThoughItsManifestWasDeletedInAnother() throws IOException {
        Descriptor image = world.signed("v1");
        world.putForeign(world.shapes.image("of others"), Map.of("org.opencontainers.image.ref.name", "theirs"));
        byte[] before = Files.readAllBytes(world.indexFile());
        TargetRegistry target = world.server.target("images", folder.resolve("images"));
        target.begin();
        RepositoryTarget into = target.target(APP);
        into.pushManifest(world.bytes(image), new Tag("v1"));
        RepositoryTarget other = target.target(new RepositoryName("mirror/other"));
        other.pushManifest(world.bytes(image), new Tag("v1"));
        assertThat(other.deleteManifest(image.digest())).isFalse();
        into.settle();
        Files.write(world.indexFile(), before);

        assertThatThrownBy(() -> target.end(true)).hasMessageContaining("taken mirror/app:v1 out of the index");
    }

    @Test
    void runThatCouldListNothingAndWriteNothingIsNotComplete() throws IOException {
        world.signed("v1");
        TargetRegistry other = world.command.target("images", folder.resolve("images"));
        other.begin();
        world.source.gate((index, request) -> {
            if (request.startsWith("GET tags")) {
                throw new OutageException(OutageException.Reason.SERVER_ERROR, "broken");
            }
        });

        ReplicationReport report = world.run(world.server, "images", Outcome.FAILED);

        assertThat(report.targets().getFirst().failed()).isPositive();
        other.end(true);
    }

    @Test
    void whoIsRefusedDoesNotTakeTheLockAwayFromWhoHasIt() throws IOException {
        Path file = folder.resolve("lock");
        WriteLock first = WriteLock.of(file).orElseThrow();

        assertThat(WriteLock.of(file)).isEmpty();
        Path link = Files.createSymbolicLink(folder.resolve("link"), file);
        assertThat(WriteLock.of(link)).isEmpty();

        String lock = " " + Files.getAttribute(file, "unix:ino") + " ";
        assertThat(Files.readString(Path.of("/proc/locks")).replace(':', ' ')).contains(lock);
        first.close();
        WriteLock.of(file).orElseThrow().close();
    }

    @Test
    void indexThatWasWrittenSinceItWasReadIsNotReplaced() throws IOException {
        world.putForeign(world.shapes.image("one"), Map.of("org.opencontainers.image.ref.name", "one"));
        LayoutFolder layout = new LayoutFolder(folder.resolve("images"));
        Optional<FileStamp> read = layout.stamp();
        LayoutIndex index = layout.index();
        FileStamp written = layout.write(index, read);
        assertThat(layout.stamp()).contains(written);
        world.putForeign(world.shapes.image("two"), Map.of("org.opencontainers.image.ref.name", "two"));

        assertThatThrownBy(() -> layout.write(index, Optional.of(written)))
                .isInstanceOf(ChangedMeanwhileException.class);

        assertThat(world.names("images")).containsExactly("one", "two");
        try (Stream<Path> files = Files.list(folder.resolve("images"))) {
            assertThat(files.filter(file -> file.getFileName().toString().startsWith(".incoming")))
                    .isEmpty();
        }
    }

    @Test
    void tarThatAnotherProcessHasReplacedIsReadAnew() throws IOException {
        world.signed("v1");
        world.run(world.server, "images.tar", Outcome.COMPLETE);
        SourceRegistry tar = world.server.source("images.tar", folder.resolve("images.tar"));
        assertThat(tar.repository(APP).resolve(new Tag("v1"))).isPresent();
        world.put(world.command, "images.tar", "mirror/app", "v9", world.shapes.image("of another process"));

        assertThat(tar.repository(APP).resolve(new Tag("v9"))).isPresent();
    }

    @Test
    void nameThatAnotherToolMakesAmbiguousMeanwhileFailsItsImageAlone() throws IOException {
        world.signed("v1");
        world.signed("v2");
        world.putForeign(world.shapes.image("of others"), Map.of("org.opencontainers.image.ref.name", "theirs"));
        Descriptor one = world.shapes.image("one");
        Descriptor two = world.shapes.image("two");
        List<String> taken = new ArrayList<>();
        TargetRegistry layout = world.server.target("images", folder.resolve("images"));
        TargetRegistry meddled = new Meddled(layout, tag -> {
            if (taken.isEmpty()) {
                taken.add(tag.value());
                world.change(index -> index.withArray("manifests")
                        .add(world.entry(one, Map.of("org.opencontainers.image.ref.name", tag.value())))
                        .add(world.entry(two, Map.of("org.opencontainers.image.ref.name", tag.value()))));
            }
        });

        ReplicationReport report = world.run(meddled, Outcome.PARTLY);

        String first = taken.getFirst();
        String second = first.equals("v1") ? "v2" : "v1";
        assertThat(ReportWriter.toText(report)).contains("has several manifests called " + first);
        assertThat(report.targets().getFirst().failed()).isEqualTo(1);
        assertThat(world.names("images")).containsExactlyInAnyOrder("theirs", first, first, "mirror/app:" + second);
        assertThat(layout.reader(APP).resolve(new Tag(second))).isPresent();
    }

    private interface Meddling {
        void meddle(Tag pushed) throws IOException;
    }

    /** A layout of which somebody changes something after a tag was pushed and before it is settled. */
    private record Meddled(TargetRegistry layout, Meddling meddling) implements TargetRegistry {
        @Override
        public String name() {
            return layout.name();
        }

        @Override
        public String place() {
            return layout.place();
        }

        @Override
        public boolean isAtHand() {
            return layout.isAtHand();
        }

        @Override
        public RepositorySource reader(RepositoryName name) {
            return layout.reader(name);
        }

        @Override
        public RepositoryTarget target(RepositoryName name) {
            return new MeddledRepository(layout.target(name), meddling);
        }

        @Override
        public void begin() throws IOException {
            layout.begin();
        }

        @Override
        public void end(boolean complete) throws IOException {
            layout.end(complete);
        }
    }

    private record MeddledRepository(RepositoryTarget target, Meddling meddling) implements RepositoryTarget {
        @Override
        public boolean containsBlob(Digest digest) throws IOException {
            return target.containsBlob(digest);
        }

        @Override
        public void pushBlob(Descriptor blob, BlobSource content) throws IOException {
            target.pushBlob(blob, content);
        }

        @Override
        public boolean mountBlob(Digest digest, RepositoryName from) throws IOException {
            return target.mountBlob(digest, from);
        }

        @Override
        public PushedManifest pushManifest(ManifestBytes manifest, ManifestReference reference) throws IOException {
            // The tag that comes next, and is settled then, comes after the change.
            synchronized (meddling) {
                PushedManifest pushed = target.pushManifest(manifest, reference);
                if (reference instanceof Tag tag) {
                    meddling.meddle(tag);
                }
                return pushed;
            }
        }

        @Override
        public void settle() throws IOException {
            target.settle();
        }

        @Override
        public boolean deleteManifest(ManifestReference reference) throws IOException {
            return target.deleteManifest(reference);
        }
    }

    @Test
    void whatAFailedRunCouldNotNameIsNotReadAfterIt() throws IOException {
        Descriptor image = world.signed("v1");
        world.putForeign(world.shapes.image("of others"), Map.of("org.opencontainers.image.ref.name", "theirs"));
        byte[] before = Files.readAllBytes(world.indexFile());
        TargetRegistry target = world.server.target("images", folder.resolve("images"));
        target.begin();
        target.target(APP).pushManifest(world.bytes(image), new Tag("v1"));
        Files.delete(world.indexFile());
        Path inTheWay = Files.createDirectories(world.indexFile().resolve("in the way"));
        assertThatThrownBy(() -> target.end(true)).isInstanceOf(IOException.class);
        Files.delete(inTheWay);
        Files.delete(world.indexFile());
        Files.write(world.indexFile(), before);

        assertThat(target.reader(APP).listTags(Optional.empty()).tags()).containsExactly(new Tag("theirs"));
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
}
