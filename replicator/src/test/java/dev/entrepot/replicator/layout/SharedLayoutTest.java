package dev.entrepot.replicator.layout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.Manifest;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.RepositoryTarget;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.ReplicationReport;
import dev.entrepot.replicator.ReplicationReport.Outcome;
import dev.entrepot.replicator.ReportWriter;
import dev.entrepot.replicator.SourceRegistry;
import dev.entrepot.replicator.TargetRegistry;
import dev.entrepot.replicator.WriteLock;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
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
    void whatCannotBeDeletedAfterAllIsToldToWhoDeletedIt() throws IOException {
        Descriptor image = world.signed("v1");
        Descriptor theirs = world.shapes.image("of others");
        TargetRegistry target = world.server.target("images", folder.resolve("images"));
        target.begin();
        RepositoryTarget into = target.target(APP);
        into.pushManifest(world.bytes(image), new Tag("v1"));
        into.settle();
        assertThat(into.deleteManifest(image.digest())).isTrue();
        world.putForeign(theirs, Map.of("org.opencontainers.image.ref.name", "theirs"));
        Files.writeString(
                folder.resolve("images/blobs/sha256/" + theirs.digest().encoded()), "damaged");
        RepositoryTarget other = target.target(new RepositoryName("mirror/other"));
        other.pushManifest(world.bytes(world.signed("v2")), new Tag("v2"));

        other.settle();

        assertThatThrownBy(into::settle)
                .isInstanceOf(InvalidContentException.class)
                .hasMessageContaining(theirs.digest().toString());
        assertThat(world.reader("images", APP).resolve(image.digest())).isPresent();
        into.settle();
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
        TargetRegistry meddled = new WatchedLayout(layout, new WatchedLayout.Watch() {
            @Override
            public void pushed(Tag tag) throws IOException {
                if (taken.isEmpty()) {
                    taken.add(tag.value());
                    world.change(index -> index.withArray("manifests")
                            .add(world.entry(one, Map.of("org.opencontainers.image.ref.name", tag.value())))
                            .add(world.entry(two, Map.of("org.opencontainers.image.ref.name", tag.value()))));
                }
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
}
