package dev.entrepot.oci.client.cloud;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.entrepot.oci.client.StoredLogin;
import dev.entrepot.oci.testing.CrashProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What becomes of the file beside the login's own while a renewed login is written. */
class AwsSsoCacheTest {
    private static final String FORMER = "{\"accessToken\":\"former\",\"startUrl\":\"here\"}";
    private static final StoredLogin RENEWED = new StoredLogin(
            "renewed-s3cret",
            Instant.parse("2026-11-20T11:00:00Z"),
            Optional.empty(),
            Optional.empty(),
            Optional.empty(),
            Optional.of("refresh-s3cret"));

    @TempDir
    Path folder;

    private Path file;
    private Path aside;

    @BeforeEach
    void loggedIn() throws IOException {
        Path cache = Files.createDirectory(folder.resolve("cache"));
        file = Files.writeString(cache.resolve("login.json"), FORMER);
        aside = cache.resolve("login.json.entrepot");
    }

    private void assertOnlyTheLoginIsThere() throws IOException {
        try (Stream<Path> files = Files.list(file.getParent())) {
            assertThat(files).containsExactly(file);
        }
    }

    @Test
    void renewedLoginIsForItsOwnerAloneAndNothingElseStays() throws IOException {
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-rw-rw-"));

        new AwsSsoCache(file).write(RENEWED);

        assertThat(Files.readString(file)).contains("renewed-s3cret", "refresh-s3cret", "\"startUrl\":\"here\"");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                .isEqualTo("rw-------");
        assertOnlyTheLoginIsThere();
    }

    // A start that was killed has left it, or somebody who wants to read what is written into it.
    @Test
    void fileThatLiesAsideAlreadyIsNotWrittenInto() throws IOException {
        Path other = Files.writeString(folder.resolve("other"), "of somebody");
        Files.setPosixFilePermissions(other, PosixFilePermissions.fromString("rw-rw-rw-"));
        Files.createLink(aside, other);

        new AwsSsoCache(file).write(RENEWED);

        assertThat(other).hasContent("of somebody");
        assertThat(Files.readString(file)).contains("renewed-s3cret");
        assertOnlyTheLoginIsThere();
    }

    @Test
    void linkThatLiesAsideIsNotFollowed() throws IOException {
        Path other = Files.writeString(folder.resolve("other"), "of somebody");
        Files.createSymbolicLink(aside, other);

        new AwsSsoCache(file).write(RENEWED);

        assertThat(other).hasContent("of somebody");
        assertThat(Files.isSymbolicLink(file)).isFalse();
        assertOnlyTheLoginIsThere();
    }

    @Test
    void loginOfSomebodyElseThatRootRenewsStaysTheirs() throws IOException {
        assumeTrue(Files.getAttribute(folder, "unix:uid").equals(0), "only root gives files away");
        Files.setAttribute(file, "unix:uid", 12345);

        new AwsSsoCache(file).write(RENEWED);

        assertThat(Files.readString(file)).contains("renewed-s3cret");
        assertThat(Files.getAttribute(file, "unix:uid")).isEqualTo(12345);
    }

    // As where a container has that one file mounted: it can be read and written, but not replaced.
    @Test
    void fileThatCannotBeReplacedLeavesNoTokensAside() throws Exception {
        Path source = Files.writeString(folder.resolve("source"), FORMER);
        assumeTrue(run("mount", "--bind", source.toString(), file.toString()), "no right to mount a file");
        try {
            new AwsSsoCache(file).write(RENEWED);

            assertThat(file).hasContent(FORMER);
            assertOnlyTheLoginIsThere();
        } finally {
            assertThat(run("umount", file.toString())).isTrue();
        }
    }

    /** Writes renewed logins for a moment, in a process of its own: as a server and a command whose login ends. */
    private static final class Writing {
        static void main(String[] arguments) {
            AwsSsoCache cache = new AwsSsoCache(Path.of(arguments[0]));
            String token = arguments[1].repeat(Integer.parseInt(arguments[2]));
            StoredLogin renewed = RENEWED.with(token, RENEWED.expiresAt(), Optional.of(token));
            System.out.println("writing");
            for (long end = System.nanoTime() + 700_000_000; System.nanoTime() < end; ) {
                cache.write(renewed);
            }
        }
    }

    @Test
    void loginThatTwoProcessesWriteIsThatOfOneAtEachMoment() throws Exception {
        try (CrashProcess one = CrashProcess.start(Writing.class, file.toString(), "a", "3000");
                CrashProcess other = CrashProcess.start(Writing.class, file.toString(), "b", "10")) {
            one.awaitLine("writing"::equals);
            other.awaitLine("writing"::equals);
            AwsSsoCache cache = new AwsSsoCache(file);
            while (one.isAlive() || other.isAlive()) {
                StoredLogin there = cache.read().orElseThrow();
                assertThat(there.refreshToken().orElse("former")).isIn(there.accessToken(), "former");
            }
            assertThat(one.output()).containsExactly("writing");
            assertThat(other.output()).containsExactly("writing");
        }
        assertOnlyTheLoginIsThere();
    }

    private static boolean run(String... command) throws InterruptedException {
        try {
            Process process = new ProcessBuilder(List.of(command))
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start();
            return process.waitFor(20, TimeUnit.SECONDS) && process.exitValue() == 0;
        } catch (IOException e) {
            return false;
        }
    }
}
