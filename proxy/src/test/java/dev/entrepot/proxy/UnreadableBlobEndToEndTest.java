package dev.entrepot.proxy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.testing.Bundle;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.TestRegistry;
import dev.entrepot.proxy.CommandRunner.Result;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Blobs that the disk gives the beginning of, and then EIO, as of a bad sector: a file system of its own, in which the
 * pointer to what comes after the first 268 KiB of a file leads past its end. It needs the right to mount disks, and is
 * skipped elsewhere.
 */
@Timeout(60)
class UnreadableBlobEndToEndTest {
    private static final String IMAGE = "registry.test/team/app:v1";

    @TempDir
    private Path folder;

    private final TestRegistry source = TestRegistry.started();
    private final Bundle image = source.push("team/app", new Images(17).image(200_000, 400_000), "v1");
    private final Digest large = List.copyOf(image.blobs().keySet()).getLast();
    private CommandRunner commands;
    private boolean mounted;

    @BeforeEach
    void keepAndSpoil() throws Exception {
        assertThat(source.blob("team/app", large).orElseThrow().sizeBytes()).isEqualTo(400_000);
        Files.createDirectory(folder.resolve("data"));
        try (RandomAccessFile disk = new RandomAccessFile(disk().toFile(), "rw")) {
            disk.setLength(32 << 20);
        }
        String features = "^extent,^64bit,^metadata_csum";
        assumeTrue(run("mkfs.ext4", "-q", "-O", features, "-b", "1024", disk().toString()), "no mkfs.ext4");
        mount();
        Files.writeString(folder.resolve("entrepot.yaml"), """
                server: {listen: "127.0.0.1:0", admin: "127.0.0.1:0", access-log: "off", drain: 1s}
                cache: {directory: ./data, min-free: 1MiB}
                builtin-upstreams: false
                default-upstream: registry.test
                upstreams:
                  registry.test: {url: "%s"}
                """.formatted(source.uri()));
        commands = new CommandRunner(folder);
        assertThat(commands.runOn(IMAGE + "\n", "cache", "warm", "-")).returns(0, Result::code);
        assertThat(kept()).exists();
        unmount();
        String inside = "/" + folder.resolve("data").relativize(kept());
        assumeTrue(
                run("debugfs", "-w", "-R", "sif " + inside + " block[DIND] 99999999", disk().toString()), "no debugfs");
        mount();
        source.calls().clear();
    }

    @AfterEach
    void stop() throws Exception {
        source.close();
        if (mounted) {
            unmount();
        }
    }

    private Path disk() {
        return folder.resolve("disk");
    }

    private Path kept() {
        return folder.resolve("data/blobs/sha256/" + large.encoded().substring(0, 2) + "/" + large.encoded());
    }

    private void mount() throws Exception {
        String data = folder.resolve("data").toString();
        mounted = run("mount", "-o", "loop,errors=continue", disk().toString(), data);
        assumeTrue(mounted, "no right to mount a disk");
    }

    private void unmount() throws Exception {
        assertThat(run("umount", folder.resolve("data").toString())).isTrue();
        mounted = false;
    }

    private static boolean run(String... command) throws InterruptedException {
        try {
            Process process = new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start();
            return process.waitFor(20, TimeUnit.SECONDS) && process.exitValue() == 0;
        } catch (IOException e) {
            return false;
        }
    }

    private Result export(String... more) {
        String[] all = new String[more.length + 5];
        System.arraycopy(new String[] {"export", IMAGE, "--output", "out.tar", "--unsigned"}, 0, all, 0, 5);
        System.arraycopy(more, 0, all, 5, more.length);
        return commands.run(all);
    }

    private void assertExported(Result result) {
        assertThat(result).as(result.out() + result.err()).returns(0, Result::code);
        assertThat(commands.run("verify", "out.tar", "--unsigned")).returns(0, Result::code);
        assertThat(source.calls().gets(large)).isEqualTo(1);
        assertThat(kept()).doesNotExist();
    }

    @Test
    void exportGoesOnFromTheUpstream() {
        assertExported(export());
    }

    @Test
    void exportThroughAServerGoesOnFromTheUpstream() {
        commands.run(mirror -> assertExported(export()), "serve");
    }

    @Test
    void exportThatMayNotAskTheUpstreamNamesBlobAndFileAndLeavesThemAlone() {
        Result result = export("--from", "cache");

        assertThat(result).as(result.out() + result.err()).returns(1, Result::code);
        assertThat(result.err())
                .contains(
                        "blob " + large,
                        "kept in " + kept(),
                        "Input/output error",
                        "run entrepot cache scrub",
                        "--from upstream");
        assertThat(kept()).exists();
    }
}
