package dev.entrepot.replicator.layout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.config.Percent;
import dev.entrepot.config.PruneConfig;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.RepositoryTarget;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.Engine;
import dev.entrepot.replicator.ReplicationReport;
import dev.entrepot.replicator.ReportWriter;
import dev.entrepot.replicator.Rules;
import dev.entrepot.replicator.TargetRegistry;
import dev.entrepot.replicator.graph.Concurrently;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** When the index of a layout is written: not for each name, and before a run calls complete what it names. */
final class LayoutWritesTest {
    @TempDir
    private Path folder;

    private LayoutWorld world;
    private TargetRegistry target;

    @BeforeEach
    void open() throws IOException {
        world = new LayoutWorld(folder);
        target = world.server.target("images", folder.resolve("images"));
    }

    @AfterEach
    void close() throws IOException {
        world.close();
    }

    private void push(Descriptor image, int number) throws IOException {
        target.target(LayoutWorld.APP).pushManifest(world.bytes(image), new Tag("v" + number));
    }

    @Test
    void manyNamesAreOneWrite() throws IOException {
        Descriptor image = world.signed("v0");
        target.begin();
        push(image, 0);
        target.target(LayoutWorld.APP).settle();
        FileStamp before = FileStamp.of(world.indexFile()).orElseThrow();
        for (int number = 1; number < 100; number++) {
            push(image, number);
        }
        assertThat(FileStamp.of(world.indexFile())).contains(before);

        target.target(LayoutWorld.APP).settle();

        assertThat(world.names("images")).hasSize(100);
        FileStamp written = FileStamp.of(world.indexFile()).orElseThrow();
        target.end(true);
        assertThat(FileStamp.of(world.indexFile())).contains(written);
    }

    @Test
    void whoeverSettlesHasItsNameInTheFile() throws IOException {
        Descriptor image = world.signed("v0");
        target.begin();
        var seen = Concurrently.map(IntStream.range(0, 40).boxed().toList(), number -> {
            push(image, number);
            target.target(LayoutWorld.APP).settle();
            return Files.readString(world.indexFile()).contains("\"v" + number + "\"");
        });
        target.end(true);

        assertThat(seen).hasSize(40).containsOnly(true);
    }

    @Test
    void allWhoWaitForAWriteThatFailsShareItsFailure() throws IOException {
        Descriptor image = world.signed("v0");
        target.begin();
        for (int number = 0; number < 40; number++) {
            push(image, number);
        }
        Path inTheWay = Files.createDirectories(world.indexFile().resolve("in the way"));
        var failures = Concurrently.map(IntStream.range(0, 40).boxed().toList(), number -> {
            try {
                target.target(LayoutWorld.APP).settle();
                return Optional.<IOException>empty();
            } catch (IOException e) {
                return Optional.of(e);
            }
        });

        assertThat(failures).allMatch(Optional::isPresent);
        Set<IOException> attempts = Collections.newSetFromMap(new IdentityHashMap<>());
        failures.forEach(failure -> attempts.add(failure.orElseThrow()));
        assertThat(attempts).hasSizeLessThan(20);
        Files.delete(inTheWay);
        Files.delete(world.indexFile());
        target.end(true);
        assertThat(world.names("images")).hasSize(40);
    }

    @Test
    void nothingIsSettledBeforeItIsNotedWhichTarItIsFor() throws IOException {
        Descriptor old = world.signed("v0");
        world.put(world.server, "images.tar", "mirror/app", "v0", old);
        TargetRegistry tar = world.server.target("images.tar", folder.resolve("images.tar"));
        tar.begin();
        tar.target(LayoutWorld.APP).pushManifest(world.bytes(world.shapes.image("v1")), new Tag("v1"));
        Path note = folder.resolve(".images.tar.parts/.begun-with");
        Path inTheWay = Files.createDirectories(note.resolve("in the way"));
        for (int attempt = 0; attempt < 2; attempt++) {
            assertThatThrownBy(tar.target(LayoutWorld.APP)::settle).isInstanceOf(IOException.class);
        }
        Files.delete(inTheWay);
        Files.delete(note);

        tar.target(LayoutWorld.APP).settle();

        tar.end(false);
        TargetRegistry next = world.command.target("images.tar", folder.resolve("images.tar"));
        next.begin();
        assertThat(next.reader(LayoutWorld.APP).resolve(new Tag("v1"))).isPresent();
        next.end(false);
    }

    @Test
    void whatWasNamedAndNotWrittenOutlastsTheIndexOfAnotherTool() throws IOException {
        Descriptor image = world.signed("v1");
        target.begin();
        push(image, 1);
        world.putForeign(world.shapes.image("of others"), Map.of("org.opencontainers.image.ref.name", "theirs"));
        target.end(true);

        assertThat(world.names("images")).containsExactlyInAnyOrder("theirs", "mirror/app:v1");
    }

    private Path file(Descriptor manifest) {
        return folder.resolve("images/blobs/sha256").resolve(manifest.digest().encoded());
    }

    private List<Descriptor> images(int count) throws IOException {
        List<Descriptor> images = new ArrayList<>();
        for (int number = 0; number < count; number++) {
            images.add(world.shapes.image("content of v" + number));
            push(images.getLast(), number);
        }
        target.target(LayoutWorld.APP).settle();
        return images;
    }

    private void delete(Descriptor image, int number) throws IOException {
        RepositoryTarget from = target.target(LayoutWorld.APP);
        assertThat(from.deleteManifest(new Tag("v" + number))).isTrue();
        assertThat(from.deleteManifest(image.digest())).isTrue();
    }

    @Test
    void manyDeletionsAreOneWrite() throws IOException {
        target.begin();
        List<Descriptor> images = images(200);
        FileStamp before = FileStamp.of(world.indexFile()).orElseThrow();
        for (int number = 0; number < images.size(); number++) {
            delete(images.get(number), number);
        }
        assertThat(FileStamp.of(world.indexFile())).contains(before);
        assertThat(images).allMatch(image -> Files.exists(file(image)));
        assertThat(target.reader(LayoutWorld.APP).resolve(images.getFirst().digest()))
                .as("to this process it is gone")
                .isEmpty();

        target.target(LayoutWorld.APP).settle();

        FileStamp written = FileStamp.of(world.indexFile()).orElseThrow();
        assertThat(world.names("images")).isEmpty();
        assertThat(images).noneMatch(image -> Files.exists(file(image)));
        target.end(true);
        assertThat(FileStamp.of(world.indexFile())).contains(written);
    }

    @Test
    void nothingIsGoneFromTheDiskThatTheIndexOnItNames() throws IOException {
        target.begin();
        Descriptor image = images(1).getFirst();
        delete(image, 0);
        byte[] index = Files.readAllBytes(world.indexFile());
        Files.delete(world.indexFile());
        Path inTheWay = Files.createDirectories(world.indexFile().resolve("in the way"));
        assertThatThrownBy(target.target(LayoutWorld.APP)::settle).isInstanceOf(IOException.class);
        assertThat(file(image)).exists();
        Files.delete(inTheWay);
        Files.delete(world.indexFile());
        Files.write(world.indexFile(), index);

        target.end(true);

        assertThat(world.names("images")).isEmpty();
        assertThat(file(image)).doesNotExist();
    }

    @Test
    void whatWasDeletedAndNotWrittenIsGoneFromTheIndexOfAnotherTool() throws IOException {
        target.begin();
        List<Descriptor> images = images(2);
        delete(images.getFirst(), 0);
        delete(images.getLast(), 1);
        world.putForeign(images.getLast(), Map.of("org.opencontainers.image.ref.name", "theirs"));
        target.end(true);

        assertThat(world.names("images")).containsExactly("theirs");
        assertThat(file(images.getFirst())).doesNotExist();
        assertThat(file(images.getLast())).exists();
    }

    @Test
    void tagThatIsSetAgainOutlastsTheIndexOfAnotherTool() throws IOException {
        target.begin();
        Descriptor image = images(1).getFirst();
        target.target(new RepositoryName("mirror/other")).pushManifest(world.bytes(image), new Tag("held"));
        assertThat(target.target(LayoutWorld.APP).deleteManifest(image.digest()))
                .isFalse();
        push(image, 0);
        world.putForeign(world.shapes.image("of others"), Map.of("org.opencontainers.image.ref.name", "theirs"));
        target.end(true);

        assertThat(world.names("images")).containsExactlyInAnyOrder("theirs", "mirror/app:v0", "mirror/other:held");
    }

    @Test
    void whatIsPutInAgainBeforeTheDeletionIsWrittenStays() throws IOException {
        target.begin();
        Descriptor image = images(1).getFirst();
        delete(image, 0);
        push(image, 0);
        target.end(true);

        assertThat(world.names("images")).containsExactly("v0");
        assertThat(file(image)).exists();
    }

    @Test
    void whatIsDeletedWhileItsSenderWaitsStays() throws IOException {
        LayoutStore store = new LayoutStore(folder.resolve("images"), Optional.empty());
        Descriptor image = world.shapes.image("content");
        store.put(image.digest(), new ByteArrayInputStream(world.bytes(image).array()));
        for (String order : List.of("deleted", "deleted and written")) {
            store.guarded(index -> store.remove(index, "a run", LayoutWorld.APP, image.digest()));
            if (order.equals("deleted and written")) {
                store.flush();
            }
            store.guarded(index -> store.push(index, this, LayoutWorld.APP, new Tag("v1"), world.bytes(image)));
            store.flush();

            assertThat(world.names("images")).as(order).containsExactly("v1");
            assertThat(file(image)).as(order).exists();
        }
    }

    private ReplicationReport prune(Engine engine, WatchedLayout.Watch watch) throws IOException {
        Rules rules = new Rules(world.source).to(new WatchedLayout(target, watch));
        rules.prune = new PruneConfig(true, Duration.ZERO, new Percent(100));
        return engine.run(rules);
    }

    private void tag(int count) {
        for (int number = 0; number < count; number++) {
            world.shapes.tag("v" + number, world.shapes.image("content of v" + number));
        }
    }

    @Test
    void prunesTwoHundredTagsWithFewWrites() throws IOException {
        tag(201);
        Set<FileStamp> stamps = new HashSet<>();
        AtomicInteger deletions = new AtomicInteger();
        try (Engine engine = new Engine(folder.resolve("pruning"))) {
            prune(engine, new WatchedLayout.Watch() {});
            for (int number = 0; number < 200; number++) {
                world.source.repository("app").tags.remove(new Tag("v" + number));
            }

            ReplicationReport report = prune(engine, new WatchedLayout.Watch() {
                @Override
                public void deleting() throws IOException {
                    deletions.incrementAndGet();
                    stamps.add(FileStamp.of(world.indexFile()).orElseThrow());
                }
            });

            assertThat(report.targets().getFirst().pruned()).isEqualTo(200);
        }
        assertThat(deletions).hasValueGreaterThanOrEqualTo(400);
        assertThat(stamps).hasSize(1);
        assertThat(world.names("images")).containsExactly("v200");
    }

    @Test
    void deletionsThatCouldNotBeWrittenAreReportedAndDoneByTheNextRun() throws IOException {
        tag(3);
        try (Engine engine = new Engine(folder.resolve("pruning"))) {
            prune(engine, new WatchedLayout.Watch() {});
            world.source.repository("app").tags.remove(new Tag("v0"));
            world.source.repository("app").tags.remove(new Tag("v1"));
            AtomicBoolean deleting = new AtomicBoolean();

            ReplicationReport failed = prune(engine, new WatchedLayout.Watch() {
                @Override
                public void deleting() {
                    deleting.set(true);
                }

                @Override
                public void settling() throws IOException {
                    if (deleting.get()) {
                        throw new FileSystemException("images", null, "No space left on device");
                    }
                }
            });

            assertThat(failed.targets().getFirst().pruned()).isZero();
            assertThat(failed.targets().getFirst().failed()).isEqualTo(2);
            assertThat(ReportWriter.toText(failed)).contains("No space left on device");
            assertThat(prune(engine, new WatchedLayout.Watch() {})
                            .targets()
                            .getFirst()
                            .pruned())
                    .isEqualTo(2);
        }
        assertThat(world.names("images")).containsExactly("v2");
    }
}
