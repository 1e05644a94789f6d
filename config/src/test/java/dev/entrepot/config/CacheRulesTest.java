package dev.entrepot.config;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.RegistryHost;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CacheRulesTest {
    private static CacheRuleConfig rule(String yaml) {
        return Loading.config("rules: [{" + yaml + "}]").rules().getFirst();
    }

    @ParameterizedTest
    @ValueSource(strings = {"always", "5m", "immutable", "offline-first", "stale-while-revalidate 1h30m"})
    void everyFreshnessIsPrintedAsItIsWritten(String text) {
        assertThat(rule("freshness: " + text).freshness().orElseThrow()).hasToString(text);
    }

    @Test
    void oneTimeIsForEveryOutageAndNotForWhatIsDeleted() {
        StaleConfig stale = rule("stale: 3h").stale();
        assertThat(stale).isEqualTo(StaleConfig.outages(Duration.ofHours(3)));
        assertThat(stale.deleted()).isEmpty();
        assertThat(rule("stale: {timeout: 0s}").stale().timeout()).contains(Duration.ZERO);
        assertThat(rule("priority: 1").stale()).isEqualTo(StaleConfig.UNSAID);
    }

    @Test
    void shortFormsMeanTheirLongOnes() {
        assertThat(rule("pin: true").pin()).contains(new GraphPartConfig(true, List.of(), true));
        assertThat(rule("pin: false").pin().orElseThrow().enabled()).isFalse();
        assertThat(rule("min-age: 3d").minAge()).contains(MinAgeConfig.of(Duration.ofDays(3)));
        assertThat(rule("tags: [a]").tags()).contains(RuleTagsConfig.including(List.of(NamePattern.parse("a"))));
        assertThat(rule("priority: -100").priority()).contains(-100);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{include: [a], exclude: [a]} | 1:40 rules[0].tags.exclude",
                "{include: ['1.*', '2.1'], exclude: ['1*', '2.?']} | 1:51 rules[0].tags.exclude",
                "{exclude: ['*']} | 1:26 rules[0].tags.exclude",
                "{include: [latest], semver: '>=1'} | 1:44 rules[0].tags.semver",
                "{include: ['2.*'], semver: '<2'} | 1:43 rules[0].tags.semver",
            })
    void conditionsOnTagsThatNoTagPassesAreRefusedSinceTheyWouldDenyNothing(String tags, String place) {
        assertThat(Loading.places("rules: [{tags: " + tags + ", deny: x}]")).containsExactly(place + " INVALID_VALUE");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{include: [a, b], exclude: [a]}",
                "{exclude: ['1.*']}",
                "{include: ['sha256-*', 'sha256-1f.sig']}",
                "{include: [sha256-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef.sig]}",
                "{include: ['v2.*'], semver: '>=2'}",
                "{include: [2.0-alpine], semver: '>=2'}",
                "{include: ['2.0.0-*'], semver: '>=2'}",
                "{}",
            })
    void otherConditionsOnTagsAreTaken(String tags) {
        assertThat(rule("tags: " + tags + ", deny: x").tags()).isPresent();
    }

    @Test
    void upstreamsHaveRulesOfTheirOwn() {
        EntrepotConfig config = Loading.config("upstreams: {ghcr.io: {rules: [{offline: true}]}}");
        assertThat(config.upstreams().get(new RegistryHost("ghcr.io")).rules())
                .singleElement()
                .satisfies(rule -> assertThat(rule.offline()).isEqualTo(Optional.of(true)));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "freshness: sometimes | rules[0].freshness",
                "freshness: stale-while-revalidate | rules[0].freshness",
                "allow: false | rules[0].allow",
                "allow: true, deny: why | rules[0].deny",
                "deny: '' | rules[0].deny",
                "max-size: 0 | rules[0].max-size",
                "tags: [a], max-size: 1 | rules[0].max-size",
                "tags: [a], priority: 1 | rules[0].priority",
                "tags: [a], share: 1% | rules[0].share",
                "priority: 101 | rules[0].priority",
                "share: 101% | rules[0].share",
                "stale: {deleted: soon} | rules[0].stale.deleted",
                "min-age: {except-digests: [x], time: 1d} | rules[0].min-age.except-digests[0]",
                "repositories: [UPPER] | rules[0].repositories[0]",
                "tags: {semver: =>1} | rules[0].tags.semver",
                "offlien: true | rules[0].offlien"
            })
    void errorNamesTheKey(String yaml, String path) {
        assertThat(Loading.error("rules: [{" + yaml + "}]").path()).isEqualTo(path);
    }
}
