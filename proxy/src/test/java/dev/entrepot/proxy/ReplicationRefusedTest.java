package dev.entrepot.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.proxy.CommandRunner.Result;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Rules that make no sense are refused before anything starts, with the place and the remedy. */
class ReplicationRefusedTest {
    private static final String EU = "{url: \"https://eu.test\"}";

    @TempDir
    private Path folder;

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = ';',
            quoteCharacter = '`',
            value = {
                "no repositories; a.test; []; every 10m; EU; 8:19; repositories: invalid value: expected at least 1 entry",
                "nothing left of the tags; a.test; [x], tags: {include: [a], exclude: [a]}; every 10m; EU; 8:54;"
                        + " expected patterns that leave something of what include selects",
                "a range without versions; a.test; [x], tags: {semver: \">=2 <1\"}; every 10m; EU; 8:39; expected a range that a version can be in",
                "unknown source; b.tset; [x]; every 10m; EU; 7:13; add it to upstreams; did you mean \"b.test\"",
                "bad cron; a.test; [x]; `\"61 * * * *\"`; EU; 10:15; expected in the field minute numbers from 0 to 59",
                "target that is the source; a.test; [x]; every 10m; `{url: \"http://a.test\"}`; 9:15;"
                        + " the target is the source; give it another url, or a prefix that repositories do not match",
                "cycle; a.test; [x]; every 10m; `{url: \"http://b.test\"}`; 14:15; narrow the repositories of one: bad -> back -> bad",
            })
    void isRefusedByServeAndCheckAndEachCommandWithPlaceAndRemedy(
            String what, String source, String repositories, String schedule, String target, String at, String remedy)
            throws IOException {
        Files.writeString(folder.resolve("entrepot.yaml"), """
                server: {listen: 127.0.0.1:0, admin: 127.0.0.1:0}
                upstreams:
                  a.test: {url: "http://a.test"}
                  b.test: {url: "http://b.test"}
                replication: {rules: [
                  { name: bad,
                    source: %s,
                    repositories: %s,
                    targets: [%s],
                    schedule: %s },
                  { name: back,
                    source: b.test,
                    repositories: [x],
                    targets: [{url: "http://a.test"}] }]}
                """.formatted(
                        source, repositories, target.equals("EU") ? EU : target, schedule));
        CommandRunner commands = new CommandRunner(folder);
        Result checked = commands.run("config", "check");

        assertThat(checked.code()).isEqualTo(78);
        assertThat(checked.out()).isEmpty();
        assertThat(checked.err()).contains("entrepot.yaml:" + at + ": ").contains(remedy);
        assertThat(commands.run("serve")).isEqualTo(checked);
        assertThat(commands.run("sync", "bad")).isEqualTo(checked);
        assertThat(folder.resolve("data")).doesNotExist();
    }
}
