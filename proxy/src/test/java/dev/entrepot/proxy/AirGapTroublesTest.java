package dev.entrepot.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.testing.Bundle;
import dev.entrepot.oci.testing.Corpus;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.TestRegistry;
import dev.entrepot.proxy.CommandRunner.Result;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Each text in the table of the guide about the air gap is what the program says when that happens. */
class AirGapTroublesTest {
    private static final int TAR_BLOCK = 512;

    @TempDir
    private Path folder;

    private final Path project = Corpus.locate().resolve("../../..").normalize();
    private final TestRegistry outside = TestRegistry.started();
    private final TestRegistry inside = TestRegistry.started();
    private final Images images = new Images(43);
    private final Bundle image = images.image(60_000, 70_000, 80_000);
    private final Map<String, Trouble> troubles = new LinkedHashMap<>();

    /** Brings a trouble about and returns what the program then says. */
    private interface Trouble {
        String said() throws Exception;
    }

    @BeforeEach
    void export() throws Exception {
        outside.push("team/app", image, "v1");
        outside.push("team/other", images.image(90_000), "v1");
        Files.writeString(
                folder.resolve("entrepot.yaml"),
                "server: {listen: 127.0.0.1:0, admin: 127.0.0.1:0}\nupstreams: {registry.test: {url: " + outside.uri()
                        + "}}\n");
        for (String side : List.of("sender", "receiver", "stranger")) {
            does("openssl", "genpkey", "-algorithm", "ed25519", "-out", side + ".pem");
            does("openssl", "pkey", "-in", side + ".pem", "-pubout", "-out", side + ".pub");
        }
        exports("registry.test/team/app:v1", "disk/release.tar", "--volume-size", "100KB");
        exports("registry.test/team/other:v1", "else/other.tar");
        exports("registry.test/team/app:v1", "open/release");
    }

    @AfterEach
    void close() {
        outside.close();
        inside.close();
    }

    @Test
    void guideQuotesWhatIsSaid() throws Exception {
        troubles.put("is missing", () -> {
            Files.delete(volume(2));
            return refused("verify", "disk", "--trust", "sender.pub");
        });
        troubles.put("is truncated", () -> {
            truncate(volume(2));
            return refused("verify", "disk", "--trust", "sender.pub");
        });
        troubles.put("is altered", () -> {
            flip(volume(2));
            return refused("verify", "disk", "--trust", "sender.pub");
        });
        troubles.put("is reordered", () -> {
            swapLastEntries(volume(2));
            return refused("verify", "disk", "--trust", "sender.pub");
        });
        troubles.put("cannot be read", () -> {
            // A file of Linux of which reading the beginning fails as that of a bad sector does.
            Files.delete(volume(2));
            Files.createSymbolicLink(volume(2), Path.of("/proc/self/mem"));
            String said = refused("verify", "disk", "--trust", "sender.pub");
            assertThat(said).contains("volume 2 (", "Input/output error", "--volumes 2");
            return said;
        });
        troubles.put("ask the sender for this file again", () -> {
            Files.write(volume(2), new byte[0]);
            return refused("verify", "disk/release.002.tar", "--trust", "sender.pub");
        });
        troubles.put("which is not of it: remove that", () -> {
            Files.writeString(folder.resolve("open/release/notes.txt"), "to do");
            return refused("verify", "open/release", "--trust", "sender.pub");
        });
        troubles.put(
                "is of another bundle",
                () -> refused(
                        "verify",
                        "disk/release.001.tar",
                        "disk/release.002.tar",
                        "disk/release.003.tar",
                        "else/other.tar",
                        "--trust",
                        "sender.pub"));
        troubles.put("is given twice", () -> {
            Files.copy(volume(1), folder.resolve("disk/again.tar"));
            return refused("verify", "disk", "--trust", "sender.pub");
        });
        troubles.put("is no volume of a bundle", () -> {
            Files.writeString(folder.resolve("notes.txt"), "to do");
            does("tar", "-cf", "notes.tar", "notes.txt");
            return refused("verify", "notes.tar", "--trust", "sender.pub");
        });
        troubles.put("is not trusted", () -> refused("verify", "disk", "--trust", "stranger.pub"));
        troubles.put("back to what an earlier import brought", this::importsAnOlderBundleOnceMore);
        troubles.put("every import would refuse", this::exportsAContradiction);
        troubles.put("has gone bad in the cache", () -> {
            assertThat(new CommandRunner(folder).runOn("registry.test/team/other:v1\n", "cache", "warm", "-"))
                    .returns(0, Result::code);
            try (Stream<Path> kept = Files.walk(folder.resolve("data/blobs/sha256"))) {
                for (Path blob : kept.filter(Files::isRegularFile).toList()) {
                    flip(blob);
                }
            }
            return refused(
                    "export",
                    "registry.test/team/other:v1",
                    "--output",
                    "else/bad.tar",
                    "--unsigned",
                    "--from",
                    "cache");
        });
        troubles.put("lost it: write a new receipt", this::importsADifferenceIntoATargetThatLostWhatItHad);

        assertThat(troubles.keySet()).containsExactlyElementsOf(quoted());
        Path whole = folder.resolve("whole");
        copy(folder.resolve("disk"), whole);
        for (Map.Entry<String, Trouble> trouble : troubles.entrySet()) {
            assertThat(trouble.getValue().said()).as(trouble.getKey()).contains(trouble.getKey());
            delete(folder.resolve("disk"));
            copy(whole, folder.resolve("disk"));
        }
    }

    private List<String> quoted() throws IOException {
        String guide = Files.readString(project.resolve("docs/guides/air-gap.md"));
        String section = guide.substring(guide.indexOf("## When a volume is lost or damaged"));
        List<String> texts = new ArrayList<>();
        for (MatchResult row : Pattern.compile("(?m)^\\| (`[^|]*) \\|")
                .matcher(section)
                .results()
                .toList()) {
            Pattern.compile("`([^`]+)`")
                    .matcher(row.group(1))
                    .results()
                    .map(text -> text.group(1))
                    .forEach(texts::add);
        }
        return texts;
    }

    private String importsADifferenceIntoATargetThatLostWhatItHad() throws Exception {
        List<String> to = List.of("--to", inside.uri().toString(), "--trust", "sender.pub", "--data", "inside");
        List<String> receipt = List.of("--receipt", "receipt.json", "--receipt-key", "receiver.pem");
        List<String> first = new ArrayList<>(List.of("import", "disk"));
        first.addAll(to);
        first.addAll(receipt);
        runs(0, first.toArray(new String[0]));
        outside.push("team/app", images.referrer(image, "application/vnd.test.late"));
        exports("registry.test/team/app:v1", "next/update.tar", "--since", "receipt.json", "--trust", "receiver.pub");
        for (Digest manifest : inside.manifests("team/app")) {
            inside.removeManifest("team/app", manifest);
        }
        for (Digest blob : inside.blobs("team/app")) {
            inside.removeBlob("team/app", blob);
        }
        List<String> second = new ArrayList<>(List.of("import", "next"));
        second.addAll(to);
        return refused(second.toArray(new String[0]));
    }

    private String importsAnOlderBundleOnceMore() throws Exception {
        String[] older = {"import", "disk", "--to", inside.uri() + "/moved", "--trust", "sender.pub", "--data", "inside"
        };
        runs(0, older);
        outside.push("team/app", images.image(5_000), "v1");
        exports("registry.test/team/app:v1", "newer/release.tar");
        runs(0, "import", "newer", "--to", inside.uri() + "/moved", "--trust", "sender.pub", "--data", "inside");
        outside.push("team/app", image, "v1");
        return refused(older);
    }

    private String exportsAContradiction() throws Exception {
        Bundle index = images.index("linux/amd64");
        String json = new String(index.root().array(), StandardCharsets.UTF_8);
        Matcher size = Pattern.compile("\"size\":([0-9]+)").matcher(json);
        assertThat(size.find()).isTrue();
        String wrong = json.substring(0, size.start(1)) + "1" + json.substring(size.start(1));
        outside.push("team/wrong", index);
        outside.pushManifest(
                "team/wrong", index.root().mediaType().value(), wrong.getBytes(StandardCharsets.UTF_8), "v1");
        return refused("export", "registry.test/team/wrong:v1", "--output", "no.tar", "--key", "sender.pem");
    }

    private Path volume(int number) {
        return folder.resolve("disk/release.00" + number + ".tar");
    }

    private void exports(String name, String output, String... more) {
        List<String> arguments = new ArrayList<>(List.of("export", name, "--output", output, "--key", "sender.pem"));
        arguments.addAll(List.of(more));
        runs(0, arguments.toArray(new String[0]));
    }

    private String refused(String... arguments) {
        Result result = new CommandRunner(folder).run(arguments);
        assertThat(result.code()).as(String.join(" ", arguments)).isNotZero();
        return result.out() + result.err();
    }

    private void runs(int code, String... arguments) {
        Result result = new CommandRunner(folder).run(arguments);
        assertThat(result.code())
                .as(String.join(" ", arguments) + "\n" + result.out() + result.err())
                .isEqualTo(code);
    }

    private void does(String... command) throws Exception {
        Process process = new ProcessBuilder(command)
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .start();
        assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).isZero();
    }

    private static void truncate(Path file) throws IOException {
        try (RandomAccessFile open = new RandomAccessFile(file.toFile(), "rw")) {
            open.setLength(open.length() / 2);
        }
    }

    // In the middle of the largest thing in it, which is a layer.
    private static void flip(Path file) throws IOException {
        try (RandomAccessFile open = new RandomAccessFile(file.toFile(), "rw")) {
            long middle = open.length() / 2;
            open.seek(middle);
            int value = open.read();
            open.seek(middle);
            open.write(value ^ 1);
        }
    }

    // The last two entries change places; both stay whole.
    private static void swapLastEntries(Path file) throws IOException {
        byte[] tar = Files.readAllBytes(file);
        List<Integer> starts = new ArrayList<>();
        int at = 0;
        while (tar[at] != 0) {
            starts.add(at);
            int size = Integer.parseInt(new String(tar, at + 124, 11, StandardCharsets.US_ASCII), 8);
            at += TAR_BLOCK + (size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
        }
        int last = starts.removeLast();
        int before = starts.removeLast();
        byte[] swapped = tar.clone();
        System.arraycopy(tar, last, swapped, before, at - last);
        System.arraycopy(tar, before, swapped, before + at - last, last - before);
        Files.write(file, swapped);
    }

    private static void copy(Path from, Path to) throws IOException {
        Files.createDirectories(to);
        try (Stream<Path> files = Files.list(from)) {
            for (Path file : files.toList()) {
                Files.copy(file, to.resolve(file.getFileName()));
            }
        }
    }

    private static void delete(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
        }
        Files.delete(folder);
    }
}
