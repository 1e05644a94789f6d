package dev.entrepot.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Nothing that its makers call an alpha is depended on, directly or through others. (Snapshots are refused by Maven's
 * enforcer, too, whose patterns cannot tell versions by their endings.)
 */
class DependenciesTest {
    private static final Pattern UNFINISHED = Pattern.compile("(?i)[-.](alpha|snapshot)");
    private static final Pattern VERSION = Pattern.compile("<([a-z0-9.-]*version)>([^<]*)</\\1>");

    private static boolean isUnfinished(String nameOrVersion) {
        return UNFINISHED.matcher(nameOrVersion).find();
    }

    /** All that ships is here, for this module depends on all others. */
    @Test
    void nothingOnTheClassPathIsAnAlphaOrASnapshot() {
        // Surefire may hand it to the JVM in a jar that only names the others.
        String path = System.getProperty("surefire.test.class.path", "")
                + File.pathSeparator
                + System.getProperty("java.class.path", "");
        List<String> jars = Stream.of(path.split(Pattern.quote(File.pathSeparator), -1))
                .map(entry -> String.valueOf(Path.of(entry).getFileName()))
                .filter(name -> name.endsWith(".jar"))
                .toList();
        assertThat(jars).hasSizeGreaterThan(50);
        assertThat(jars).noneMatch(DependenciesTest::isUnfinished);
    }

    /** Those that the tests of other modules or the build alone use are not on this class path. */
    @Test
    void noPomNamesAnAlphaOrASnapshot() throws IOException {
        List<String> versions;
        try (Stream<Path> poms = Stream.of(".", "oci", "config", "cache", "replicator", "proxy", "deploy")
                .map(module -> Path.of("..").resolve(module).resolve("pom.xml"))) {
            StringBuilder all = new StringBuilder();
            for (Path pom : poms.toList()) {
                all.append(Files.readString(pom));
            }
            versions = VERSION.matcher(all)
                    .results()
                    .map((MatchResult found) -> found.group(2))
                    .toList();
        }
        assertThat(versions).hasSizeGreaterThan(30);
        assertThat(versions).noneMatch(DependenciesTest::isUnfinished);
    }

    @Test
    void alphasAndSnapshotsAreKnownByTheirNames() {
        assertThat(List.of(
                        "opentelemetry-api-incubator-1.56.0-alpha.jar",
                        "plexus-container-default-1.0-alpha-9-stable-1.jar",
                        "a-2.0.0.Alpha1.jar",
                        "b-1.0-SNAPSHOT.jar",
                        "3.0.0-alpha.2"))
                .allMatch(DependenciesTest::isUnfinished);
        assertThat(List.of("alphabet-1.0.jar", "helidon-webserver-4.5.0.jar", "4.5.0", "1.0-rc1"))
                .noneMatch(DependenciesTest::isUnfinished);
    }
}
