package dev.entrepot.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.testing.Corpus;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The table of traps promises tests; this one holds it to that. */
class TrapsTableTest {
    private static final Pattern TEST = Pattern.compile("`([A-Z][A-Za-z]*Test)\\.([a-z][A-Za-z0-9]*)`");

    private final Path project = Corpus.locate().resolve("../../..").normalize();

    @Test
    void everyTestThatTheTableNamesExists() throws IOException {
        Map<String, String> sources = testSources();
        List<MatchResult> named = TEST.matcher(table()).results().toList();
        assertThat(named).hasSizeGreaterThan(50);
        assertThat(named)
                .allSatisfy(test -> assertThat(sources.getOrDefault(test.group(1), ""))
                        .as(test.group())
                        .contains("void " + test.group(2) + "("));
    }

    @Test
    void everyOneOfTheTwentyTrapsHasATest() throws IOException {
        List<String> rows =
                table().lines().filter(line -> line.matches("\\| [0-9]+ \\|.*")).toList();
        assertThat(rows.stream().map(row -> row.split("\\|", -1)[1].strip()))
                .containsExactlyElementsOf(
                        IntStream.rangeClosed(1, 20).mapToObj(Integer::toString).toList());
        assertThat(rows).allSatisfy(row -> assertThat(TEST.matcher(row).find()).isTrue());
    }

    private String table() throws IOException {
        return Files.readString(project.resolve("docs/traps.md"));
    }

    private Map<String, String> testSources() throws IOException {
        Map<String, String> sources = new HashMap<>();
        for (String module : List.of("oci", "cache", "replicator", "proxy", "deploy")) {
            try (Stream<Path> files = Files.walk(project.resolve(module).resolve("src/test/java"))) {
                for (Path file : files.filter(path -> path.toString().endsWith("Test.java"))
                        .toList()) {
                    sources.put(file.getFileName().toString().replace(".java", ""), Files.readString(file));
                }
            }
        }
        return sources;
    }
}
