package dev.entrepot.config;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Conditions on tags that nothing passes for certain are refused at the start; what may select something is not. */
class TagContradictionsTest {
    private static final String SIGNATURE = "sha256-" + "a".repeat(64) + ".sig";

    private static String rule(String tags) {
        return """
                upstreams: {a.test: {}}
                replication:
                  rules:
                    - name: r
                      source: a.test
                      repositories: [x]
                      tags: %s
                """.formatted(tags.replace("SIGNATURE", SIGNATURE));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            quoteCharacter = '`',
            value = {
                "{semver: \">=2 <1\"}; .semver; a range that a version can be in",
                "{semver: \">1.2.3 <1.2.4\"}; .semver; a range that a version can be in",
                "{semver: \"<0\"}; .semver; a range that a version can be in",
                "{semver: \"1.x 2.x || >=2 <1\"}; .semver; a range that a version can be in",
                "{semver: \">=1.0.0-rc.2 <1.0.0-rc.1\"}; .semver; a range that a version can be in",
                "{semver: \">1.0.0-rc.1 <1.0.0-rc.1\"}; .semver; a range that a version can be in",
                "{semver: \">=2 <1\", always: [latest]}; .semver; a range that a version can be in",
                "{include: [latest], semver: \">=2\"}; .semver; of [latest] none is",
                "{include: [latest, v1.2], semver: \">=2\"}; .semver; of [latest, v1.2] none is",
                "{include: [\"nightly-*\"], semver: \">=2\"}; .semver; of [nightly-*] none is",
                "{include: [\"v1.*\"], semver: \">=2\"}; .semver; of [v1.*] none is",
                "{include: [\"1.*\", \"v1.2.?\"], semver: \"<1 || >=2\"}; .semver; of [1.*, v1.2.?] none is",
                "{include: [\"v1.2.*\"], semver: \">=1.3\"}; .semver; of [v1.2.*] none is",
                "{include: [\"v1.2?.*\"], semver: \"0.x\"}; .semver; of [v1.2?.*] none is",
                "{include: [\"v1.2.3-*\"], semver: \">1.2.3 <2\"}; .semver; of [v1.2.3-*] none is",
                "{include: [\"v1-*\"], semver: \"^2\"}; .semver; of [v1-*] none is",
                "{include: [\"2.0.0-rc.*\"], semver: \">=1.0.0-rc.1 <2\"}; .semver; of [2.0.0-rc.*] none is",
                "{include: [\"version*\"], newest: {count: 3}}; .newest; none is a version",
                "{include: [\"v1*\"], exclude: [\"v*\"]}; .exclude; that leave something of what include selects",
                "{include: [\"v1.?\"], exclude: [\"v1.*\"]}; .exclude; that leave something of what include selects",
                "{include: [\"v**\"], exclude: [\"v*\"]}; .exclude; that leave something of what include selects",
                "{include: [v1, v2], exclude: [v?]}; .exclude; that leave something of what include selects",
                "{include: [v1], exclude: [{regex: \"v[0-9]\"}]}; .exclude; that leave something of what include selects",
                "{exclude: [{regex: \".*\"}]}; .exclude; that leave something of what include selects",
                "{include: [x], regex: \"y\"}; .regex; an expression that a tag of include matches; of [x] none does",
                "{include: [\"x*\"], regex: \"y\"}; .regex; an expression that a tag of include matches; of [x*] none does",
                "{regex: \"latest\", semver: \"1.x\"}; .semver; of [*] none is",
                "{include: [x, latest], regex: \"l.*\", semver: \"1.x\"}; .include; x is dropped by regex, latest is dropped by semver",
                "{include: [SIGNATURE]}; .include; travels with its subject",
                "[SIGNATURE]; ``; travels with its subject",
                "{include: [v1], exclude: [v1], always: [SIGNATURE]}; .exclude; that leave something of what include selects",
            })
    void whatSelectsNothingIsRefusedWithPlaceAndRemedy(String tags, String key, String remedy) {
        ConfigError error = Loading.error(rule(tags));

        assertThat(error.path()).isEqualTo("replication.rules[0].tags" + key);
        assertThat(error.line()).isEqualTo(7);
        assertThat(error.column()).isPositive();
        assertThat(error.allowed()).contains(remedy);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{semver: \">=2 <1 || 3.x\"}",
                "{semver: \">=1.0.0-rc.1 <1.0.0-rc.2\"}",
                "{semver: \">1.0.0-rc.1 <1.0.0\"}",
                "{semver: \"1.0.0-rc.1\"}",
                "{semver: \">=1.2.3 <=1.2.3\"}",
                "{semver: \">1.2.3 <1.2.5\"}",
                "{semver: \"~1.4 ^1.2\"}",
                "{semver: \"0.0.0\"}",
                "{include: [latest], always: [v1], semver: \">=2\"}",
                "{include: [latest, v2], semver: \">=2\"}",
                "{include: [\"v1*\"], semver: \">=2\"}",
                "{include: [\"?1*\", \"*\"], semver: \">=2\"}",
                "{include: [\"v1?\"], semver: \">=2\"}",
                "{include: [\"v1?.*\"], semver: \">=2\"}",
                "{include: [\"v1.2?\"], semver: \"1.25\"}",
                "{include: [\"v1.2*.1\"], semver: \"1.25\"}",
                "{include: [\"v1.*\", \"v2.*\"], semver: \">=2\"}",
                "{include: [\"v1.*\"], semver: \">=1.9.9 <2\"}",
                "{include: [\"v1.*\"], semver: \"<1 || >=1.999\"}",
                "{include: [\"v1.*\"], semver: \">=1.0.0-rc.1 <1.0.0\"}",
                "{include: [\"v1.0.0-*\"], semver: \">=1.0.0-rc.1 <1.0.0\"}",
                "{include: [\"v1.0.0-*\"], semver: \"1.0.0-0\"}",
                "{include: [\"v1.0.0_*\"], semver: \"1.0.0\"}",
                "{include: [\"1.2.3-*\"], semver: \">=1.2.3-0\"}",
                "{include: [\"1-*\"], semver: \">=1.0.0-0\"}",
                "{include: [\"v1.*\"], semver: \">=2\", always: [latest]}",
                "{include: [\"v001.*\"], semver: \"1.x\"}",
                "{include: [v1], newest: {count: 3}}",
                "{include: [latest], newest: {count: 3, by: time}}",
                "{include: [\"v*\"], exclude: [\"v1*\"]}",
                "{include: [\"v*\"], exclude: [\"v?\"]}",
                "{include: [\"v?\"], exclude: [\"v?.*\"]}",
                "{include: [\"v1*\"], exclude: [\"v*\"], always: [latest]}",
                "{include: [\"v1*\", x], exclude: [\"v*\"]}",
                "{include: [x, y], regex: \"y\"}",
                "{include: [\"x*\"], regex: \"x.*y\"}",
                "[SIGNATURE, v1]",
                "[\"sha256-*\"]",
            })
    void whatMaySelectSomethingIsNot(String tags) {
        assertThat(Loading.config(rule(tags)).replication().rules()).hasSize(1);
    }

    @Test
    void anEmptyRangeOfACacheRuleIsRefusedToo() {
        ConfigError error = Loading.error("rules: [{tags: {semver: \">=2 <1\"}}]\n");

        assertThat(error.allowed()).contains("a range that a version can be in");
    }
}
