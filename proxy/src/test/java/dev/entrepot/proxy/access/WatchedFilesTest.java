package dev.entrepot.proxy.access;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files that change while a server runs. */
class WatchedFilesTest {
    private final WatchedFiles files = new WatchedFiles();
    private final AtomicReference<String> inEffect = new AtomicReference<>("");
    private final AtomicReference<Optional<IOException>> fault = new AtomicReference<>(Optional.empty());

    @TempDir
    private Path folder;

    private Path file;

    @BeforeEach
    void write() throws Exception {
        file = Files.writeString(folder.resolve("users"), "first");
    }

    private void read() throws IOException {
        if (fault.get().isPresent()) {
            throw fault.get().get();
        }
        inEffect.set(Files.readString(file));
    }

    private void watch() throws IOException {
        WatchedFiles.Contents before = WatchedFiles.contents(List.of(file));
        read();
        files.add("the file", before, this::read);
    }

    private void look(int times) {
        for (int i = 0; i < times; i++) {
            files.look();
        }
    }

    @Test
    void whatCouldNotBeReadForAMomentIsTriedAgain() throws Exception {
        watch();
        Files.writeString(file, "second");
        fault.set(Optional.of(new IOException("too many open files")));
        look(2);
        assertThat(files.problems())
                .containsExactly("the file cannot be read again, and the former stays in effect: too many open files");
        assertThat(files.failed()).isEqualTo(1);

        fault.set(Optional.empty());
        look(WatchedFiles.FIRST_PAUSE);
        assertThat(inEffect).hasValue("second");
        assertThat(files.problems()).isEmpty();
        assertThat(files.succeeded()).isEqualTo(1);
    }

    @Test
    void whatStaysWrongIsTriedLessAndLessOften() throws Exception {
        watch();
        Files.writeString(file, "second");
        fault.set(Optional.of(new IOException("no PEM")));
        look(2 + WatchedFiles.FIRST_PAUSE * (1 + 2 + 4));
        assertThat(files.failed()).isEqualTo(4);
        look(10_000);
        assertThat(files.failed()).isBetween(60L, 80L);
    }

    @Test
    void aFileThatIsAgainAsItWasIsNoProblem() throws Exception {
        watch();
        Files.writeString(file, "second");
        fault.set(Optional.of(new IOException("no PEM")));
        look(2);
        Files.writeString(file, "first");
        look(2);
        assertThat(files.problems()).isEmpty();
        assertThat(inEffect).hasValue("first");
    }

    @Test
    void aChangeWhileTheFileIsReadForTheFirstTimeIsNotMissed() throws Exception {
        WatchedFiles.Contents before = WatchedFiles.contents(List.of(file));
        read();
        Files.writeString(file, "second");
        files.add("the file", before, this::read);
        look(2);
        assertThat(inEffect).hasValue("second");
    }

    @Test
    void aFaultWithoutAMessageHasAName() throws Exception {
        watch();
        Files.writeString(file, "second");
        fault.set(Optional.of(new IOException()));
        look(2);
        assertThat(files.problems()).singleElement().asString().endsWith("in effect: IOException");
    }

    @Test
    void anErrorOfTheMachineIsAProblemLikeOthers() throws Exception {
        AtomicReference<Optional<Error>> error = new AtomicReference<>(Optional.of(new InternalError("no heap")));
        files.add("the other file", WatchedFiles.contents(List.of(file)), () -> {
            if (error.get().isPresent()) {
                throw error.get().get();
            }
        });
        Files.writeString(file, "second");
        look(2);
        assertThat(files.problems()).singleElement().asString().contains("no heap");

        error.set(Optional.empty());
        look(WatchedFiles.FIRST_PAUSE);
        assertThat(files.problems()).isEmpty();
    }
}
