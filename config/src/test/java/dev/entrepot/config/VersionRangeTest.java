package dev.entrepot.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
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

    /** Of all small versions, none that begins with the numbers is in a range that is said to be empty for them. */
    @Test
    void whatIsSaidToBeEmptyForSomeNumbersHoldsNoVersionThatBeginsWithThem() {
        RandomGenerator random = new SplittableRandom(3);
        List<SemanticVersion> versions = new ArrayList<>();
        for (int i = 0; i < 27; i++) {
            for (String pre : List.of("", "-0", "-rc", "-rc.1", "-.")) {
                versions.add(SemanticVersion.parse(i / 9 + "." + i / 3 % 3 + "." + i % 3 + pre)
                        .orElseThrow());
            }
        }
        int empty = 0;
        for (int i = 0; i < 3000; i++) {
            VersionRange range =
                    VersionRange.of(anyRange(random) + (random.nextBoolean() ? "" : " || " + anyRange(random)));
            List<Long> numbers = Stream.generate(() -> random.nextLong(3))
                    .limit(1 + random.nextInt(3))
                    .toList();
            if (range.isEmptyFor(numbers)) {
                empty++;
                assertThat(versions)
                        .filteredOn(version -> List.of(version.major(), version.minor(), version.patch())
                                .subList(0, numbers.size())
                                .equals(numbers))
                        .isNotEmpty()
                        .noneMatch(range);
            }
        }
        assertThat(empty).isBetween(300, 2700);
    }

    private static String anyRange(RandomGenerator random) {
        StringBuilder range = new StringBuilder();
        for (int i = random.nextInt(2); i < 2; i++) {
            range.append(List.of(">=", "<", ">", "<=", "~", "^", "").get(random.nextInt(7)));
            range.append(random.nextInt(3));
            int more = random.nextInt(3);
            for (int j = 0; j < more; j++) {
                range.append('.').append(random.nextInt(3));
            }
            if (more == 2) {
                range.append(List.of("", "", "-0", "-rc", "-rc.1").get(random.nextInt(5)));
            }
            range.append(' ');
        }
        return range.toString();
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
