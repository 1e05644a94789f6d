package dev.entrepot.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What becomes of the process when its heap is used up, by the options of the checkout and of the distribution. */
class HeapEndTest {
    private static final int FAILURE = 1;
    private static final Pattern OPTION = Pattern.compile("(?m)(?<=^| )-XX:[+-]\\w*(OutOfMemory|Core)\\w*");

    @TempDir
    private Path folder;

    /** Fills the heap. */
    static final class Filler {
        private Filler() {}

        /** Does not return. */
        public static void main(String[] arguments) {
            List<byte[]> all = new ArrayList<>();
            while (all.size() >= 0) {
                all.add(new byte[1 << 20]);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"../entrepot", "dist/jvm.options"})
    void heapThatIsUsedUpEndsTheProcessAsAFailureAndNotAsPartlyDone(Path options) throws Exception {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx16m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                Path.of("target/test-classes").toAbsolutePath().toString()));
        command.addAll(OPTION.matcher(Files.readString(options))
                .results()
                .map(MatchResult::group)
                .toList());
        command.add(Filler.class.getName());
        Process process = new ProcessBuilder(command)
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("out").toFile())
                .start();
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).isEqualTo(FAILURE);
        assertThat(folder.resolve("out")).content().contains("java.lang.OutOfMemoryError");
        try (var files = Files.list(folder)) {
            assertThat(files.map(file -> file.getFileName().toString()))
                    .noneMatch(name -> name.startsWith("core"))
                    .anyMatch(name -> name.startsWith("hs_err_pid"));
        }
    }
}
