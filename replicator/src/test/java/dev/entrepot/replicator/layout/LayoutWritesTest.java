package dev.entrepot.replicator.layout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.TargetRegistry;
import dev.entrepot.replicator.graph.Concurrently;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
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
}
