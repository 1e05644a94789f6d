package dev.entrepot.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.LocalTime;
import java.time.ZoneId;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RuleChecksTest {
    private static final String UPSTREAMS =
            "upstreams: {a.test: {url: \"http://a.test\"}, b.test: {url: \"https://b.test\"}, c.test: {}}\nreplication:\n  rules:\n";

    @Test
    void readsTheRuleOfTheReadme() {
        ReplicationRuleConfig rule = Loading.config("""
                        upstreams:
                          registry.test: {url: http://127.0.0.1:5101}
                        replication:
                          rules:
                            - name: to-regions
                              source: registry.test
                              repositories: ["mcr/*"]
                              tags: ["v*"]
                              targets: [{url: "http://127.0.0.1:5105", prefix: mirror}, {url: "https://eu.registry.internal"}]
                              schedule: every 10m
                        """).replication().rules().getFirst();

        assertThat(rule.name()).isEqualTo("to-regions");
        assertThat(rule.tags()).isEqualTo(TagSelectionConfig.including(List.of(NamePattern.parse("v*"))));
        assertThat(rule.targets())
                .extracting(target -> target.prefix().map(Object::toString).orElse(""))
                .containsExactly("mirror", "");
        assertThat(rule.schedule()).contains(new ScheduleConfig.Every(Duration.ofMinutes(10), Duration.ZERO));
        assertThat(rule.prune()).isEqualTo(PruneConfig.OFF);
        assertThat(rule.limits()).isEqualTo(LimitsConfig.NONE);
        assertThat(rule.referrers()).isEqualTo(ReferrersConfig.ALL);
        assertThat(rule.verify()).isEqualTo(ReplicationRuleConfig.Verify.HEAD);
    }

    @Test
    void aRuleWithoutTagsCopiesAllOfThem() {
        assertThat(rule("source: a.test, repositories: [x], targets: [{url: \"https://t.test\"}]")
                        .tags())
                .isEqualTo(TagSelectionConfig.ALL);
    }

    @Test
    void aRuleWithoutTargetsIsForExportAndHasNoSchedule() {
        assertThat(rule("source: a.test, repositories: [x]").targets()).isEmpty();
        ConfigError error = Loading.error("upstreams: {a.test: {}}\nreplication:\n  rules:\n"
                + "    - {name: r, source: a.test, repositories: [x], schedule: {every: 10m}}\n");

        assertThat(error.path()).isEqualTo("replication.rules[0].schedule");
        assertThat(error.allowed()).contains("only entrepot export runs it");
    }

    @Test
    void readsSchedulesOfTheCalendarAndLimitsByTheHour() {
        ReplicationRuleConfig rule = rule("source: a.test, repositories: [x], targets: [{layout: out.tar}],"
                + " schedule: {cron: \"0 3 * * MON-FRI\", time-zone: Europe/Berlin, jitter: 1m},"
                + " limits: {bandwidth: 20MB/s, hours: [{from: \"22:00\", to: \"06:00\"}], time-zone: Europe/Berlin}");

        assertThat(rule.schedule())
                .contains(new ScheduleConfig.Cron(
                        new CronExpression("0 3 * * MON-FRI"), ZoneId.of("Europe/Berlin"), Duration.ofMinutes(1)));
        assertThat(rule.limits().bandwidth()).contains(new ByteSize(20_000_000));
        LimitsConfig.Hours night = rule.limits().hours().getFirst();
        assertThat(night.bandwidth()).isEqualTo(Optional.empty());
        assertThat(night.contains(LocalTime.of(23, 0))).isTrue();
        assertThat(night.contains(LocalTime.of(5, 59))).isTrue();
        assertThat(night.contains(LocalTime.of(6, 0))).isFalse();
    }

    @Test
    void lowestBandwidthIsOneAtWhichBlobsThatMoveSideBySideDoNotStandStill() {
        String rule = "source: a.test, repositories: [x], targets: [{layout: out.tar}], limits: ";

        assertThat(rule(rule + "{bandwidth: 64KiB/s}").limits().bandwidth()).contains(new ByteSize(65_536));
        ConfigError error = Loading.error(UPSTREAMS + "    - {name: r, " + rule + "{bandwidth: 2KB/s}}\n");
        assertThat(error.value()).isEqualTo("2KB/s");
        assertThat(error.allowed()).startsWith("64KiB/s or more").contains("stands still", "schedule");
    }

    @Test
    void readsSchedulesInQuartzSyntaxInBothForms() {
        String target = "source: a.test, repositories: [x], targets: [{url: \"https://t.test\"}], schedule: ";
        ScheduleConfig expected =
                new ScheduleConfig.Cron(new CronExpression("0 0/10 * * * ?"), LimitsConfig.UTC, Duration.ZERO);

        assertThat(rule(target + "{cron: \"0 0/10 * * * ?\"}").schedule()).contains(expected);
        assertThat(rule(target + "\"0 0/10 * * * ?\"").schedule()).contains(expected);
    }

    @Test
    void anUnknownSourceIsRefusedWithTheNearestOne() {
        ConfigError error = Loading.error(UPSTREAMS
                + "    - {name: r, source: quay.oi, repositories: [x], targets: [{url: \"https://t.test\"}]}\n");

        assertThat(error.kind()).isEqualTo(ConfigError.Kind.CONFLICT);
        assertThat(error.line()).isEqualTo(4);
        assertThat(error.column()).isEqualTo(25);
        assertThat(error.suggestion()).contains("quay.io");
    }

    @Test
    void aSourceWithErrorsOfItsOwnIsNotUnknown() {
        assertThat(Loading.places("""
                        upstreams: {x.test: {url: nonsense}}
                        replication:
                          rules: [{name: r, source: x.test, repositories: [x], targets: [{url: "https://t.test"}]}]
                        """)).containsExactly("1:27 upstreams[x.test].url INVALID_VALUE");
    }

    @Test
    void twoRulesMayNotShareAName() {
        ConfigError error = Loading.error(UPSTREAMS
                + "    - {name: r, source: a.test, repositories: [x], targets: [{url: \"https://t.test\"}]}\n"
                + "    - {name: r, source: b.test, repositories: [x], targets: [{url: \"https://t.test\"}]}\n");

        assertThat(error)
                .hasToString(
                        "test.yaml:5:14: replication.rules[1].name: the name r is that of replication.rules[0] too");
    }

    @Test
    void thisMachineIsTheSameUnderAllItsNames() {
        ConfigError error = Loading.error("""
                upstreams:
                  own.test: {url: "http://127.0.0.1:5101"}
                replication:
                  rules:
                    - {name: r, source: own.test, repositories: ["x/**"], targets: [{url: "http://localhost:5101", prefix: x}]}
                """);

        assertThat(error.allowed()).startsWith("the target is the source");
    }

    private static final String MIRRORED = """
            upstreams:
              a.test: {url: "http://a.test", mirrors: [{url: "http://m.test", prefix: hub, answers: ANSWERS}]}
            replication:
              rules:
                - {name: r, source: a.test, repositories: ["x/*"], targets: [{url: "http://M.test:80", prefix: PREFIX}]}
            """;

    @Test
    void aMirrorThatAnswersForTheTagsOfTheSourceIsNoTarget() {
        ConfigError error = Loading.error(MIRRORED.replace("ANSWERS", "tags").replace("PREFIX", "hub"));

        assertThat(error.path()).isEqualTo("replication.rules[0].targets[0]");
        assertThat(error.line()).isEqualTo(5);
        assertThat(error.allowed()).contains("would never be copied again; let the mirror answer digests only");
    }

    @ParameterizedTest
    @CsvSource({"digests, hub", "tags, elsewhere"})
    void aMirrorMayBeATargetWhereTheSourceIsNotReadOfWhatTheRuleWrites(String answers, String prefix) {
        assertThat(Loading.config(MIRRORED.replace("ANSWERS", answers).replace("PREFIX", prefix))
                        .replication()
                        .rules())
                .hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"data", "./data/images", "data/../data/images.tar"})
    void aLayoutAmongTheCachesDataIsRefused(String layout) {
        ConfigError error = Loading.error("cache: {directory: ./data}\n" + UPSTREAMS
                + "    - {name: r, source: a.test, repositories: [x], targets: [{layout: " + layout + "}]}\n");

        assertThat(error.path()).isEqualTo("replication.rules[0].targets[0]");
        assertThat(error.allowed()).contains("put it elsewhere");
    }

    private static final String LAYOUT_AT =
            UPSTREAMS + "    - {name: r, source: a.test, repositories: [x], targets: [{layout: %s}]}\n";

    // Links: in -> data/images, to -> data, here -> ., late -> later/images, where later is not there; loop -> loop.
    private static void link(Path folder) throws IOException {
        Files.createDirectories(folder.resolve("data/images"));
        Files.createDirectory(folder.resolve("elsewhere"));
        for (String link :
                List.of("in data/images", "to data", "here .", "late later/images", "loop loop", "else elsewhere")) {
            String[] parts = link.split(" ");
            Files.createSymbolicLink(folder.resolve(parts[0]), Path.of(parts[1]));
        }
    }

    @ParameterizedTest
    @CsvSource({
        "data, ., cache.directory is in a folder of the layout",
        "a/b/data, a, cache.directory is in a folder of the layout",
        ".out.tar.parts/data, out.tar, cache.directory is in a folder of the layout",
        "data, here, cache.directory is in a folder of the layout",
        "to, ., cache.directory is in a folder of the layout",
        "data, in, the layout is in cache.directory",
        "data, to, the layout is in cache.directory",
        "data, to/not/there, the layout is in cache.directory",
        "data, to/not/there.tar, the layout is in cache.directory",
        "to, data, the layout is in cache.directory",
        "to, data/images, the layout is in cache.directory",
        "later, late, the layout is in cache.directory",
        "later, late/more, the layout is in cache.directory",
    })
    void aLayoutAboveTheCachesDataOrBehindALinkToItIsRefused(
            String cache, String layout, String problem, @TempDir Path folder) throws IOException {
        link(folder);
        List<ConfigError> errors =
                Loading.errors("cache: {directory: " + cache + "}\n" + LAYOUT_AT.formatted(layout), folder, Map.of());

        assertThat(errors).singleElement().satisfies(error -> {
            assertThat(error.path()).isEqualTo("replication.rules[0].targets[0]");
            assertThat(error.line()).isGreaterThan(1);
            assertThat(error.allowed()).startsWith(problem).contains("elsewhere");
        });
    }

    @ParameterizedTest
    @CsvSource({
        "data, else",
        "data, loop",
        "data, loop/images",
        "loop, data",
        "later, in",
        "to, else/images.tar",
        "data/x, data/y"
    })
    void aLayoutThatOnlyComesByALinkIsNone(String cache, String layout, @TempDir Path folder) throws IOException {
        link(folder);

        assertThat(Loading.load("cache: {directory: " + cache + "}\n" + LAYOUT_AT.formatted(layout), folder, Map.of())
                        .config()
                        .replication()
                        .rules())
                .hasSize(1);
    }

    @Test
    void aLayoutBesideTheCachesDataIsNone() {
        assertThat(Loading.config(
                                "cache: {directory: ./data}\n" + UPSTREAMS
                                        + "    - {name: r, source: a.test, repositories: [x], targets: [{layout: data2}, {layout: dat}]}\n")
                        .replication()
                        .rules())
                .hasSize(1);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "[MCR/*]; .repositories[0]; lower-case letters",
                "[\"mcr//*\"]; .repositories[0]; lower-case letters",
                "[mcr/*/]; .repositories[0]; lower-case letters",
                "[x, \"x y*\"]; .repositories[1]; lower-case letters",
                "[x], tags: [\"v1/*\"]; .tags[0]; no slash",
                "[x], tags: {include: [v1, \"v 1*\"]}; .tags.include[1]; no slash",
                "[x], tags: {exclude: [\"-rc*\"]}; .tags.exclude[0]; the first a letter",
                "[x], tags: {include: [v1, v2], at-least: 3}; .tags.at-least; which are 2",
            })
    void whatNoNameFitsIsRefused(String repositories, String key, String allowed) {
        ConfigError error = Loading.error(UPSTREAMS + "    - {name: r, source: a.test, repositories: " + repositories
                + ", targets: [{url: \"https://t.test\"}]}\n");

        assertThat(error.path()).isEqualTo("replication.rules[0]" + key);
        assertThat(error.allowed()).contains(allowed);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "[\"*\"]",
                "[\"**\"]",
                "[\"**/x\"]",
                "[\"a?b/**/c-*\"]",
                "[\"*_x\"], tags: [\"**/v*\", \"_*\", \"V?.*\"]",
                "[x], tags: {include: [v1], always: [v2], at-least: 2}",
                "[x], tags: {include: [v1, \"v*\"], at-least: 3}"
            })
    void whatANameMayFitIsRead(String repositories) {
        assertThat(rule("source: a.test, repositories: " + repositories + ", targets: [{url: \"https://t.test\"}]")
                        .name())
                .isEqualTo("r");
    }

    @Test
    void scheduleThatIsNeitherNamesBothForms() {
        ConfigError error = Loading.error(
                UPSTREAMS
                        + "    - {name: r, source: a.test, repositories: [x], targets: [{url: \"https://t.test\"}], schedule: each 10m}\n");

        assertThat(error.allowed()).startsWith("every and a time, for example every 10m, or five fields");
    }

    @Test
    void theSameTargetTwiceIsRefused() {
        ConfigError error = Loading.error(
                UPSTREAMS
                        + "    - {name: r, source: a.test, repositories: [x], targets: [{url: \"https://t.test\"}, {url: \"https://T.test:443/\"}]}\n");

        assertThat(error.path()).isEqualTo("replication.rules[0].targets[1]");
        assertThat(error.allowed()).isEqualTo("the same target as replication.rules[0].targets[0]");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "repositories: [x], targets: [{url: \"http://a.test\"}]",
                "repositories: [x], targets: [{url: \"https://t.test\"}, {url: \"http://A.test:80/\"}]",
                "repositories: [\"**\"], targets: [{url: \"http://a.test\", prefix: mirror}]",
                "repositories: [\"*/x\"], targets: [{url: \"http://a.test\", prefix: mirror}, {url: \"http://a.test\", map: {b: c}}]",
                "repositories: [{regex: \"team/.*\"}], targets: [{url: \"http://a.test\", prefix: team}]",
            })
    void aTargetThatIsTheSourceIsRefused(String rule) {
        assertThat(Loading.errors(UPSTREAMS + "    - {name: r, source: a.test, " + rule + "}\n"))
                .singleElement()
                .satisfies(error -> {
                    assertThat(error.kind()).isEqualTo(ConfigError.Kind.CONFLICT);
                    assertThat(error.path()).startsWith("replication.rules[0].targets[");
                    assertThat(error.allowed()).startsWith("the target is the source");
                });
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "repositories: [x], targets: [{url: \"http://a.test\", prefix: mirror}]",
                "repositories: [\"team/*\"], targets: [{url: \"http://a.test\", prefix: mirror}]",
                "repositories: [\"team/*\"], targets: [{url: \"http://a.test\", map: {team: copy}}, {url: \"http://a.test:81\"}]",
                "repositories: [{regex: \"team/.*\"}], targets: [{url: \"http://a.test\", prefix: mirror}]",
            })
    void theSourceMayBeATargetUnderNamesThatTheRuleDoesNotRead(String rule) {
        String yaml = UPSTREAMS + "    - {name: r, source: a.test, " + rule + "}\n";

        if (rule.contains("map: {team")) {
            // A map leaves names alone that it does not know, so the glob itself is still written.
            assertThat(Loading.errors(yaml)).hasSize(1);
        } else {
            assertThat(Loading.config(yaml).replication().rules()).hasSize(1);
        }
    }

    @Test
    void aCycleOfRulesIsRefusedOnceWithItsMembers() {
        ConfigError error = Loading.error(UPSTREAMS
                + "    - {name: ab, source: a.test, repositories: [\"x/*\"], targets: [{url: \"https://b.test\"}]}\n"
                + "    - {name: bc, source: b.test, repositories: [\"*/y\"], targets: [{url: \"https://c.test\"}]}\n"
                + "    - {name: ca, source: c.test, repositories: [\"**\"], targets: [{url: \"http://a.test\"}]}\n");

        assertThat(error.path()).isEqualTo("replication.rules[2].targets[0]");
        assertThat(error.line()).isEqualTo(6);
        assertThat(error.allowed()).endsWith("ab -> bc -> ca -> ab");
    }

    @Test
    void rulesBothWaysAreFineOverDifferentRepositories() {
        EntrepotConfig config = Loading.config(UPSTREAMS
                + "    - {name: ab, source: a.test, repositories: [\"x/*\"], targets: [{url: \"https://b.test\"}]}\n"
                + "    - {name: ba, source: b.test, repositories: [\"y/*\", {regex: \"z.*\"}], targets: [{url: \"http://a.test\"}]}\n"
                + "    - {name: bc, source: b.test, repositories: [\"x/*\"], targets: [{url: \"https://c.test\"}]}\n");

        assertThat(config.replication().rules()).hasSize(3);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "repositories: []; repositories",
                "tags: []; tags",
                "tags: {include: []}; tags.include",
                "tags: {exclude: [\"*\"]}; tags.exclude",
                "tags: {include: [a], exclude: [a]}; tags.exclude",
                "tags: {newest: {count: 2}, at-least: 3}; tags.at-least",
                "tags: {newest: {count: 0}}; tags.newest.count",
                "tags: {semver: \"latest and greatest\"}; tags.semver",
                "tags: {regex: \"(\"}; tags.regex",
                "tags: [\"not a tag\"]; tags[0]",
                "repositories: [Upper]; repositories[0]",
                "repositories: [{regex: \"[\"}]; repositories[0].regex",
                "targets: [{}]; targets[0]",
                "targets: [{url: \"https://t.test\", layout: x}]; targets[0]",
                "targets: [{layout: x, credentials: {bearer-token: t}}]; targets[0].credentials",
                "targets: [{url: \"https://t.test\", prefix: /x}]; targets[0].prefix",
                "platforms: [linux]; platforms[0]",
                "on-sparse-refused: ignore; on-sparse-refused",
                "on-conflict: merge; on-conflict",
                "referrers: {only: [a], except: [b]}; referrers.except",
                "referrers: {except: [a], require: [a]}; referrers.require",
                "prune: {max-share: 0%}; prune.max-share",
                "schedule: 10m; schedule",
                "schedule: every 0s; schedule",
                "schedule: every now; schedule",
                "schedule: \"*/5 * * *\"; schedule",
                "schedule: {cron: \"61 * * * *\"}; schedule.cron",
                "schedule: {}; schedule",
                "schedule: {every: 1m, cron: \"* * * * *\"}; schedule",
                "schedule: {every: 1m, time-zone: UTC}; schedule.time-zone",
                "limits: {time-zone: UTC}; limits.time-zone",
                "limits: {bandwidth: 1MB/s, hours: [], time-zone: Europe/Berlin}; limits.time-zone",
                "schedule: {every: 1m, jitter: 2m}; schedule.jitter",
                "schedule: {cron: \"* * * * *\", time-zone: Mars/Phobos}; schedule.time-zone",
                "limits: {bandwidth: 0}; limits.bandwidth",
                "limits: {bandwidth: 65535}; limits.bandwidth",
                "limits: {bandwidth: 63KiB/s}; limits.bandwidth",
                "limits: {hours: [{from: \"01:00\", to: \"02:00\", bandwidth: 1KB}]}; limits.hours[0].bandwidth",
                "limits: {hours: [{from: \"1:00\", to: \"02:00\"}]}; limits.hours[0].from",
                "limits: {hours: [{from: \"01:00\", to: \"01:00\"}]}; limits.hours[0].to",
                "verify: never; verify",
            })
    void aValueThatMakesNoSenseIsRefusedWhereItIs(String key, String path) {
        StringBuilder rule = new StringBuilder("    - name: r\n      source: a.test\n");
        if (!key.startsWith("repositories")) {
            rule.append("      repositories: [x]\n");
        }
        if (!key.startsWith("targets")) {
            rule.append("      targets: [{url: \"https://t.test\"}]\n");
        }
        int line = 4 + rule.toString().split("\n").length;

        ConfigError error = Loading.error(UPSTREAMS + rule + "      " + key + "\n");

        assertThat(error.path()).isEqualTo("replication.rules[0]." + path);
        assertThat(error.line()).isEqualTo(line);
        assertThat(error.column()).isGreaterThan(6);
    }

    @Test
    void notificationsAreRead() {
        NotificationsConfig notifications = Loading.config("""
                        replication:
                          notifications:
                            receive: {secret: s, debounce: 2s}
                            deliver: [{url: "https://hook.test/in?x=1", secret: k, format: distribution}]
                        """).replication().notifications();

        assertThat(notifications.receive()).contains(new ReceiveConfig(Secret.of("s"), Duration.ofSeconds(2)));
        assertThat(notifications.deliver()).singleElement().satisfies(webhook -> {
            assertThat(webhook.url()).hasToString("https://hook.test/in?x=1");
            assertThat(webhook.format()).isEqualTo(WebhookConfig.Format.DISTRIBUTION);
        });
    }

    private static ReplicationRuleConfig rule(String keys) {
        return Loading.config(UPSTREAMS + "    - {name: r, " + keys + "}\n")
                .replication()
                .rules()
                .getFirst();
    }
}
