package dev.entrepot.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class VersionRangeTest {
    @ParameterizedTest
    @CsvSource({
        ">=1.2 <2, 1.2.0, true",
        ">=1.2 <2, 1.99.9, true",
        ">=1.2 <2, 2.0.0, false",
        ">=1.2 <2, 1.1.9, false",
        "'>=1.2, <2', v1.5, true",
        "^1.4, 1.4.0, true",
        "^1.4, 1.99, true",
        "^1.4, 2.0, false",
        "^0.2.3, 0.2.9, true",
        "^0.2.3, 0.3.0, false",
        "^0.0.3, 0.0.3, true",
        "^0.0.3, 0.0.4, false",
        "^0, 0.9, true",
        "~1.4.2, 1.4.9, true",
        "~1.4.2, 1.5.0, false",
        "~1, 1.9, true",
        "~1, 2.0, false",
        "1.2 - 2.0, 2.0.7, true",
        "1.2 - 2.0, 2.1, false",
        "1.2 - 2.0.0, 2.0.1, false",
        "1.x || 3.x, 3.7, true",
        "1.x || 3.x, 2.7, false",
        "1.2.3, 1.2.3_build.7, true",
        "1.2, 1.2.9, true",
        ">1.2, 1.2.9, false",
        ">1.2, 1.3, true",
        "<=1.2, 1.2.9, true",
        "*, 7, true",
        ">=1.2, 2.0.0-rc.1, false",
        ">=2.0.0-rc.1, 2.0.0-rc.2, true",
        ">=2.0.0-rc.1, 2.0.0, true",
        ">=2.0.0-rc.1, 2.0.1-rc.2, false",
    })
    void holdsWhereSemanticVersioningSaysSo(String range, String version, boolean expected) {
        assertThat(VersionRange.of(new SemverRange(range))
                        .test(SemanticVersion.parse(version).orElseThrow()))
                .isEqualTo(expected);
    }

    @Test
    void orderIsThatOfSemanticVersioning() {
        List<SemanticVersion> ordered = Stream.of(
                        "1.0.0-alpha",
                        "1.0.0-alpha.1",
                        "1.0.0-alpha.beta",
                        "1.0.0-beta",
                        "1.0.0-beta.2",
                        "1.0.0-beta.11",
                        "1.0.0-rc.1",
                        "1.0.0",
                        "1.0.1",
                        "v1.2",
                        "2")
                .map(text -> SemanticVersion.parse(text).orElseThrow())
                .toList();
        assertThat(ordered).isSorted();
        assertThat(ordered.reversed().stream().sorted().toList()).isEqualTo(ordered);
    }

    @Test
    void whatIsNoVersionIsNone() {
        assertThat(Stream.of("latest", "v", "1.2.3.4", "1..2", "", "1.2-", "12345678901")
                        .map(SemanticVersion::parse))
                .allMatch(version -> version.isEmpty());
    }
}
