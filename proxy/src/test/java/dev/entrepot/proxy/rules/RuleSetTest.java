package dev.entrepot.proxy.rules;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.cache.CacheRules;
import dev.entrepot.cache.CacheSettings;
import dev.entrepot.cache.DiskGroup;
import dev.entrepot.cache.GraphPart;
import dev.entrepot.cache.Setting;
import dev.entrepot.cache.StaleCause;
import dev.entrepot.config.ConfigLoader;
import dev.entrepot.oci.Platform;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.Tag;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RuleSetTest {
    private static final Repository ALPINE = Repository.parse("docker.io/library/alpine");
    private static final Repository OTHER = Repository.parse("ghcr.io/team/app");

    @TempDir
    Path folder;

    private RuleSet rules(String yaml) throws Exception {
        Files.writeString(folder.resolve("entrepot.yaml"), yaml);
        return RuleSet.of(ConfigLoader.load(Optional.empty(), folder, Map.of()));
    }

    @Test
    void eachSettingIsDecidedByTheFirstRuleThatSaysSomethingOfItTheUpstreamsOwnFirst() throws Exception {
        RuleSet rules = rules("""
                cache: {fresh-for: 2m, stale-for: 1d}
                upstreams:
                  docker.io:
                    stale-for: 3d
                    rules:
                      - {repositories: ["library/*"], freshness: 5m}
                      - {stale: {timeout: 1h}}
                rules:
                  - {freshness: 7m, check-deadline: 1s}
                  - {stale: {timeout: 9h, deleted: 8h}, check-deadline: 2s}
                """);
        CacheSettings alpine = rules.of(ALPINE);
        assertThat(alpine.freshFor()).isEqualTo(Duration.ofMinutes(5));
        assertThat(alpine.rule(Setting.FRESHNESS)).isEqualTo("upstreams[docker.io].rules[0]");
        assertThat(rules.where(alpine, Setting.FRESHNESS)).contains("entrepot.yaml:6");
        assertThat(alpine.stale())
                .containsEntry(StaleCause.TIMEOUT, Duration.ofHours(1))
                .containsEntry(StaleCause.DELETED, Duration.ofHours(8))
                .containsEntry(StaleCause.UNREACHABLE, Duration.ofDays(3));
        assertThat(alpine.checkDeadline()).isEqualTo(Duration.ofSeconds(1));
        assertThat(alpine.rule(Setting.NEGATIVE_DENIED)).isEqualTo(CacheSettings.DEFAULT);
        assertThat(rules.where(alpine, Setting.NEGATIVE_DENIED)).isEmpty();
        CacheSettings other = rules.of(OTHER);
        assertThat(other.freshFor()).isEqualTo(Duration.ofMinutes(7));
        assertThat(other.stale()).containsEntry(StaleCause.UNREACHABLE, Duration.ofDays(1));
    }

    @Test
    void whatNoRuleDecidesNamesTheKeyThatDoesAndItsLine() throws Exception {
        RuleSet rules = rules("""
                cache:
                  fresh-for: 2s
                upstreams:
                  docker.io:
                    stale-for: 3d
                    rules: [{stale: {timeout: 1h}}]
                """);
        CacheSettings alpine = rules.of(ALPINE);
        assertThat(alpine.rule(Setting.FRESHNESS)).isEqualTo("cache.fresh-for");
        assertThat(rules.where(alpine, Setting.FRESHNESS)).contains("entrepot.yaml:2");
        assertThat(alpine.rule(Setting.STALE_UNREACHABLE)).isEqualTo("upstreams[docker.io].stale-for");
        assertThat(rules.where(alpine, Setting.STALE_UNREACHABLE)).contains("entrepot.yaml:5");
        assertThat(alpine.rule(Setting.STALE_TIMEOUT)).isEqualTo("upstreams[docker.io].rules[0]");
        assertThat(alpine.rule(Setting.STALE_DELETED)).isEqualTo(CacheSettings.DEFAULT);
        CacheSettings other = rules.of(OTHER);
        assertThat(other.rule(Setting.FRESHNESS)).isEqualTo("cache.fresh-for");
        assertThat(other.rule(Setting.STALE_UNREACHABLE)).isEqualTo(CacheSettings.DEFAULT);
        assertThat(rules.where(other, Setting.STALE_UNREACHABLE)).isEmpty();
    }

    @Test
    void withoutRulesTheDefaultsHold() throws Exception {
        CacheSettings settings = rules("{}").of(ALPINE, new Tag("1"));
        assertThat(settings)
                .isEqualTo(CacheSettings.defaults(Duration.ofMinutes(1), Duration.ofDays(7), Duration.ofMinutes(1)));
        assertThat(settings.checkDeadline()).isEqualTo(Duration.ofMillis(300));
    }

    @Test
    void ruleWithTagsIsForThoseTagsOnly() throws Exception {
        RuleSet rules = rules("""
                rules:
                  - tags: {include: ["v*", {regex: "[0-9.]+"}], exclude: ["*-rc*"], semver: ">=1.2 <3"}
                    freshness: immutable
                  - {tags: [latest], freshness: always}
                """);
        for (String tag : List.of("v1.2", "2.9.1", "1.2.0")) {
            assertThat(rules.of(ALPINE, new Tag(tag)).freshFor()).as(tag).isEqualTo(CacheSettings.FOREVER);
        }
        for (String tag : List.of("v1.1", "3", "v2-rc1", "x", "2.0.0-rc.1")) {
            assertThat(rules.of(ALPINE, new Tag(tag)).freshFor()).as(tag).isEqualTo(Duration.ofMinutes(1));
        }
        assertThat(rules.of(ALPINE, new Tag("latest")).freshFor()).isZero();
        assertThat(rules.of(ALPINE).freshFor()).isEqualTo(Duration.ofMinutes(1));
    }

    @Test
    void nothingGetsAroundARuleThatRestrictsVersionsByASuffix() throws Exception {
        RuleSet rules = rules("""
                rules:
                  - {tags: {semver: "<2"}, deny: "too old"}
                  - {tags: {semver: ">=3 <4"}, offline: true}
                  - {tags: {semver: "<2"}, freshness: immutable}
                """);
        for (String tag : List.of("1.9", "v1.9-alpine", "1.9.3-rc1", "1-slim_b2")) {
            assertThat(rules.of(ALPINE, new Tag(tag)).denied()).as(tag).contains("too old");
        }
        for (String tag : List.of("2", "2.0.0-alpine", "2.1-rc1", "latest", "alpine")) {
            assertThat(rules.of(ALPINE, new Tag(tag)).denied()).as(tag).isEmpty();
        }
        assertThat(rules.of(ALPINE, new Tag("3.1-slim")).offline()).isTrue();
        assertThat(rules.of(ALPINE, new Tag("4.0-slim")).offline()).isFalse();
        assertThat(rules.of(ALPINE, new Tag("1.9")).freshFor()).isEqualTo(CacheSettings.FOREVER);
        assertThat(rules.of(ALPINE, new Tag("1.9-rc1")).freshFor()).isEqualTo(Duration.ofMinutes(1));
    }

    @Test
    void settingsAreWorkedOutOnceForAllThatTheSameRulesMatch() throws Exception {
        RuleSet rules = rules("rules: [{repositories: [\"library/*\"], tags: [\"1\"], freshness: 1h}, {priority: 1}]");
        assertThat(rules.of(ALPINE, new Tag("1"))).isSameAs(rules.of(ALPINE, new Tag("1")));
        assertThat(rules.of(ALPINE)).isSameAs(rules.of(Repository.parse("docker.io/library/debian")));
        assertThat(rules.of(ALPINE, new Tag("2"))).isSameAs(rules.of(ALPINE));
    }

    @Test
    void nameThatIsTooHardToMatchIsTakenToMatchWhatRestrictsAndNothingElse() throws Exception {
        RuleSet rules = rules("""
                rules:
                  - {repositories: [{regex: "(a|aa)+\\\\1-x"}], deny: "no"}
                  - {repositories: [{regex: "(a|aa)+\\\\1-x"}], freshness: immutable, allow: true}
                  - {repositories: [{regex: "(a|aa)+\\\\1-x"}], offline: true}
                  - {tags: {exclude: [{regex: "(.*1){25}-x"}]}, min-age: 1h}
                  - {tags: {exclude: [{regex: "(.*1){25}-x"}]}, check-deadline: 9s}
                """);
        Repository hard = Repository.parse("docker.io/" + "a".repeat(60) + "-b");
        CacheSettings settings = rules.of(hard);
        assertThat(settings.denied()).contains("no");
        assertThat(settings.offline()).isTrue();
        assertThat(settings.freshFor()).isEqualTo(Duration.ofMinutes(1));
        CacheSettings tagged = rules.of(ALPINE, new Tag("1".repeat(60) + "-y"));
        assertThat(tagged.minAge()).isPresent();
        assertThat(tagged.checkDeadline()).isEqualTo(CacheSettings.DEFAULT_CHECK_DEADLINE);
        assertThat(rules.of(ALPINE).denied()).isEmpty();
    }

    @Test
    void registryIsOfflineIfTheFirstRuleForAllOfItSaysSo() throws Exception {
        RuleSet rules = rules("""
                upstreams:
                  docker.io: {rules: [{repositories: [library/alpine], offline: true}]}
                  ghcr.io: {rules: [{offline: false}]}
                  quay.io: {rules: [{repositories: ["**"], offline: true}]}
                """);
        assertThat(rules.offlineBy(new RegistryHost("docker.io"))).isEmpty();
        assertThat(rules.of(ALPINE).offline()).isTrue();
        assertThat(rules.offlineBy(new RegistryHost("ghcr.io"))).isEmpty();
        assertThat(rules.offlineBy(new RegistryHost("quay.io"))).contains("upstreams[quay.io].rules[0]");
    }

    @Test
    void pinsAreHandedOutAndTheDiskIsDividedAsTheRulesSay() throws Exception {
        CacheRules rules = rules("""
                rules:
                  - {repositories: ["library/*"], priority: 7, share: 20%}
                  - {tags: ["1"], pin: {platforms: [linux/amd64], referrers: false}}
                  - {tags: ["2"], pin: false}
                  - {pin: true}
                """);
        RuleDisk disk = new RuleDisk(rules);
        assertThat(disk.of(ALPINE)).isEqualTo(new DiskGroup("rules[0], priority 7", 7, 0.2));
        assertThat(disk.of(OTHER)).isEqualTo(DiskGroup.DEFAULT);
        assertThat(rules.of(ALPINE, new Tag("1")).pin())
                .contains(new GraphPart(List.of(Platform.parse("linux/amd64")), false));
        assertThat(rules.of(ALPINE, new Tag("2")).pin()).isEmpty();
        assertThat(rules.of(ALPINE, new Tag("3")).pin()).contains(new GraphPart(List.of(), true));
    }
}
