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

    private static final Pattern RUN = Pattern.compile("@(Test|ParameterizedTest|RepeatedTest)\\b");
    private static final Pattern OFF = Pattern.compile("@(Disabled|EnabledIf|DisabledIf)");

    private final Path project = Corpus.locate().resolve("../../..").normalize();

    @Test
    void everyTestThatTheTableNamesExistsAndIsRun() throws IOException {
        Map<String, String> sources = testSources();
        List<MatchResult> named = TEST.matcher(table()).results().toList();
        assertThat(named).hasSizeGreaterThan(50);
        assertThat(named)
                .allSatisfy(test -> assertThat(isRun(sources.getOrDefault(test.group(1), ""), test.group(2)))
                        .as(test.group())
                        .isTrue());
    }

    @Test
    void whatIsNoTestOrSwitchedOffDoesNotCount() {
        String source = """
                /** Something. */
                class AnyTest {
                    @Test
                    void isRun() {}

                    @ParameterizedTest
                    @CsvSource({
                        "a, b",
                        "c, d"
                    })
                    void isRunWithValues(String one, String other) {}

                    @Test
                    @Disabled("for now")
                    void isSwitchedOff() {}

                    void isNoTest() {}
                }
                """;
        assertThat(isRun(source, "isRun")).isTrue();
        assertThat(isRun(source, "isRunWithValues")).isTrue();
        assertThat(isRun(source, "isSwitchedOff")).isFalse();
        assertThat(isRun(source, "isNoTest")).isFalse();
        assertThat(isRun(source, "isNowhere")).isFalse();
        assertThat(isRun(source.replace("class Any", "@Disabled\nclass Any"), "isRun"))
                .isFalse();
    }

    /** Whether a class has a method of this name that JUnit runs as a test. Members are set apart by empty lines. */
    private static boolean isRun(String source, String name) {
        int method = source.indexOf("void " + name + "(");
        int type = source.indexOf("class ");
        if (method < 0 || OFF.matcher(source.substring(0, type)).find()) {
            return false;
        }
        String annotations = source.substring(source.lastIndexOf("\n\n", method) + 1, method);
        String own = annotations.substring(annotations.lastIndexOf(" class ") + 1);
        return RUN.matcher(own).find() && !OFF.matcher(own).find();
    }

    @Test
    void everyOneOfTheTwentyTrapsHasATestOfItsNumber() throws IOException {
        List<String> rows =
                table().lines().filter(line -> line.matches("\\| [0-9]+ \\|.*")).toList();
        assertThat(rows.stream().map(row -> row.split("\\|", -1)[1].strip()))
                .containsExactlyElementsOf(
                        IntStream.rangeClosed(1, 20).mapToObj(Integer::toString).toList());
        assertThat(rows)
                .allSatisfy(row -> assertThat(row)
                        .contains(".trap%02d".formatted(Integer.parseInt(row.split("\\|", -1)[1].strip()))));
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
