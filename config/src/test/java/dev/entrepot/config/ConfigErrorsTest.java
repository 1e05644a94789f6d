package dev.entrepot.config;

import static dev.entrepot.config.Loading.error;
import static dev.entrepot.config.Loading.errors;
import static dev.entrepot.config.Loading.places;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ConfigErrorsTest {
    @ParameterizedTest
    @ValueSource(strings = {"false", "no", "true", "Yes", "off", "On"})
    void aReasonIsNoSwitch(String written) {
        String rule = "{anonymous: true, deny: %s}".formatted(written);
        assertThat(error("access: [" + rule + ", {anonymous: true}]\n").toString())
                .contains("access[0].deny", "the reason that clients are shown", "to allow, leave the key out");
        assertThat(error("rules: [{deny: " + written + "}]\n").toString())
                .contains("rules[0].deny", "the reason that clients are shown");
        assertThat(Loading.config("rules: [{deny: \"" + written + "\"}]\n")
                        .rules()
                        .getFirst()
                        .deny())
                .contains(written);
    }

    @Test
    void whatContradictsItselfIsAllNamedAtOnce() {
        assertThat(places("server: {listen: \"0.0.0.0:5000\", admin: \"0.0.0.0:5001\"}\n"))
                .containsExactly("1:18 server.listen INVALID_VALUE", "1:41 server.admin INVALID_VALUE");
        assertThat(places("rules: [{allow: true, deny: \"no\", freshness: sometimes, tags: [\"a\"], share: 5%}]\n"))
                .containsExactly(
                        "1:29 rules[0].deny INVALID_VALUE",
                        "1:46 rules[0].freshness INVALID_VALUE",
                        "1:77 rules[0].share INVALID_VALUE");
    }

    @Test
    void whatMayComeOfAMisspelledKeyIsNotNamedBesideIt() {
        assertThat(places("server: {listen: \"0.0.0.0:5000\", anonymos: true}\n"))
                .containsExactly("1:34 server.anonymos UNKNOWN_KEY");
        assertThat(places("rules: [{allow: maybe, deny: \"no\"}]\n"))
                .containsExactly("1:17 rules[0].allow INVALID_VALUE");
    }

    @Test
    void aRuleWithoutTargetsLeavesTheKeyOut() {
        assertThat(places("""
                        upstreams: {a.test: {}}
                        replication: {rules: [{name: r, source: a.test, repositories: ["*"], targets: []}]}
                        """)).containsExactly("2:79 replication.rules[0].targets INVALID_VALUE");
    }

    @Test
    void reportsEveryErrorAtOnceInTheOrderOfTheFile() {
        assertThat(places("""
                        server:
                          listen: 5000
                          drain: 30
                          max-connections: 0
                          acces-log: text
                        cache:
                          capacity: plenty
                          capacity: 1GiB
                        default-upstream: nowhere.test
                        upstreams:
                          "not a host": {}
                          a.test: {url: "ftp://a.test"}
                        replication:
                          rules:
                            - name: Bad Name
                              source: b.test
                              repositories: []
                            - name: good
                              source: dokcer.io
                              repositories: ["*"]
                              targets: [{url: "https://t.test", layout: x}]
                        sever: {}
                        """))
                .containsExactly(
                        "2:11 server.listen INVALID_VALUE",
                        "3:10 server.drain INVALID_VALUE",
                        "4:20 server.max-connections INVALID_VALUE",
                        "5:3 server.acces-log UNKNOWN_KEY",
                        "7:13 cache.capacity INVALID_VALUE",
                        "8:3 cache.capacity DUPLICATE_KEY",
                        "9:19 default-upstream CONFLICT",
                        "11:3 upstreams[not a host] INVALID_VALUE",
                        "12:17 upstreams[a.test].url INVALID_VALUE",
                        "15:13 replication.rules[0].name INVALID_VALUE",
                        "16:15 replication.rules[0].source CONFLICT",
                        "17:21 replication.rules[0].repositories INVALID_VALUE",
                        "19:15 replication.rules[1].source CONFLICT",
                        "21:17 replication.rules[1].targets[0] INVALID_VALUE",
                        "22:1 sever UNKNOWN_KEY");
    }

    @Test
    void controlCharactersOfAKeyAreNotPrinted() {
        assertThat(error("server: {\"lis\\e[31mten\\r\\nFAKE: ok\": 1}").toString())
                .startsWith("test.yaml:1:10: server.lis?[31mten??FAKE: ok: unknown key \"lis?[31mten??FAKE: ok\"")
                .doesNotContain("\n", "\r", "\u001b");
    }

    @Test
    void anErrorReadsAsOneLineWithAllThatIsNeeded() {
        assertThat(error("cache:\n  capacity: 50 GigaBytes"))
                .hasToString(
                        "test.yaml:2:13: cache.capacity: invalid value \"50 GigaBytes\": expected a number of bytes,"
                                + " with or without a unit (KiB MiB GiB TiB, KB MB GB TB), for example 50GiB");
        assertThat(error("cach: {}"))
                .hasToString(
                        "test.yaml:1:1: cach: unknown key \"cach\": the known keys here are server, cache,"
                                + " default-upstream, builtin-upstreams, upstreams, rules, access, replication, tracing; did you mean \"cache\"?");
        assertThat(error("cache: {capacity: 1GiB, capacity: 1GiB}"))
                .hasToString("test.yaml:1:25: cache.capacity: key is there twice \"capacity\":"
                        + " it is there at 1:9 already; each key once");
        assertThat(error("upstreams:\n  a.test: {}\n  A.test: {}\n"))
                .hasToString("test.yaml:3:3: upstreams[A.test]: key is there twice \"A.test\":"
                        + " it is there as \"a.test\" at 2:3 already; each name once, whatever its case");
        assertThat(error("server: {tls: {certificate: pom.xml}}"))
                .hasToString("test.yaml:1:15: server.tls.key: missing: expected file");
        assertThat(error("server: [1]"))
                .hasToString(
                        "test.yaml:1:9: server: invalid value: expected a mapping with the keys listen, anonymous, admin,"
                                + " admin-access, admin-tls, tls, authentication, drain, client-stall, max-connections,"
                                + " max-connections-per-client, client-rate, access-log, log, found a list");
        assertThat(error("default-upstream: dokcer.io"))
                .hasToString("test.yaml:1:19: default-upstream: \"dokcer.io\": there is no upstream of that name;"
                        + " add it to upstreams; did you mean \"docker.io\"?");
    }

    @ParameterizedTest
    @CsvSource({
        "server: {lisen: x}, listen",
        "server: {max_connections: x}, max-connections",
        "server: {maxConnections: x}, max-connections",
        "server: {drian: x}, drain",
        "upstreams: {a.test: {credential: x}}, credentials",
        "upstreams: {a.test: {max-concurent-request: x}}, max-concurrent-requests",
        "cache: {path: x}, ",
    })
    void anUnknownKeyComesWithTheNearestKnownOne(String yaml, String suggestion) {
        assertThat(error(yaml).kind()).isEqualTo(ConfigError.Kind.UNKNOWN_KEY);
        assertThat(error(yaml).suggestion().orElse(null)).isEqualTo(suggestion);
    }

    @Test
    void aDuplicateIsAnErrorAlsoAmongNamesThatDifferInCase() {
        assertThat(places("upstreams:\n  a.test: {}\n  A.test: {}\n"))
                .containsExactly("3:3 upstreams[A.test] DUPLICATE_KEY");
    }

    @Test
    void wrongTypesAreNamed() {
        assertThat(places("- a\n")).containsExactly("1:1  WRONG_TYPE");
        assertThat(places("upstreams: [a]\n")).containsExactly("1:12 upstreams WRONG_TYPE");
        assertThat(places("server: {listen: [a]}\n")).containsExactly("1:18 server.listen WRONG_TYPE");
        assertThat(places("server: {listen: }\n")).containsExactly("1:17 server.listen WRONG_TYPE");
        assertThat(places("upstreams: {a.test: {hosts: b.test}}\n"))
                .containsExactly("1:29 upstreams[a.test].hosts WRONG_TYPE");
        assertThat(places("? [a]\n: b\n")).containsExactly("1:3  WRONG_TYPE");
        assertThat(places("server: {listen: !!binary aGk=}\n")).containsExactly("1:18  SYNTAX");
    }

    @Test
    void whatIsNotYamlIsReportedWhereItIs() {
        assertThat(error("server:\n  listen: [1\n"))
                .satisfies(e -> assertThat(e.kind()).isEqualTo(ConfigError.Kind.SYNTAX))
                .satisfies(e -> assertThat(e.line()).isEqualTo(3));
        assertThat(error("a: b: c").column()).isEqualTo(5);
        assertThat(error("a: \u0007")).satisfies(e -> {
            assertThat(e.line()).isEqualTo(1);
            assertThat(e.column()).isEqualTo(4);
        });
        assertThat(error("a: *b").kind()).isEqualTo(ConfigError.Kind.SYNTAX);
        assertThat(error("a: 1\n---\nb: 2\n"))
                .satisfies(e -> assertThat(e.allowed()).isEqualTo("more than one document"));
    }

    @Test
    void syntaxErrorsShowNothingOfTheFile() {
        String shown =
                error("upstreams: {a: {credentials: {password: hunter2, \"x\n").toString();

        assertThat(shown).doesNotContain("hunter2");
    }

    @Test
    void bytesThatAreNotUtf8AreRefused() {
        Reading reading = new Reading(Loading.FILE, Path.of(""), Map.of());

        assertThat(YamlDocument.parse(new byte[] {'a', (byte) 0xff}, reading)).isEmpty();
        assertThat(reading.errors()).hasSize(1);
        assertThat(reading.errors().getFirst().allowed()).isEqualTo("the file is not UTF-8");
    }

    @Test
    void aByteOrderMarkIsSkipped() {
        assertThat(Loading.config("\uFEFFserver: {drain: 1s}").server().drain()).hasSeconds(1);
    }

    @Test
    void anchorsMayBeUsed() {
        assertThat(Loading.config("server: {drain: &time 3s, client-stall: *time}")
                        .server()
                        .clientStall())
                .hasSeconds(3);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "upstreams:\n  a.test: {<<: {hedge: false}}\n",
                "upstreams:\n  a.test: &a {<<: *a}\n",
                "upstreams:\n  a.test: &a {hedge: false, <<: [*a, *a]}\n",
            })
    @Timeout(value = 20, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void mergeKeysAreRefusedAndNotFollowed(String yaml) {
        assertThat(error(yaml)).satisfies(e -> {
            assertThat(e.kind()).isEqualTo(ConfigError.Kind.SYNTAX);
            assertThat(e.line()).isEqualTo(2);
            assertThat(e.allowed()).contains("merge key (<<)", "write the keys out");
        });
    }

    @ParameterizedTest
    @ValueSource(strings = {"{password: !hunter2 x}", "!hunter2 {password: x}", "{!!merge x: {a: b}}"})
    void tagsAreRefusedAndNotShown(String credentials) {
        assertThat(error("upstreams: {a.test: {credentials: " + credentials + "}}\n")
                        .toString())
                .contains("a tag (!)", "in quotes")
                .doesNotContain("hunter2");
    }

    @ParameterizedTest
    @ValueSource(strings = {"*hunter2", "!hunter2!x y"})
    void aPasswordThatYamlTakesForANameIsNotShown(String password) {
        assertThat(error("upstreams: {a.test: {credentials: {username: u, password: " + password + "}}}\n")
                        .toString())
                .contains("test.yaml:1:", "in quotes")
                .doesNotContain("hunter2");
    }

    @Test
    void aBombOfAliasesIsRefused() {
        StringBuilder yaml = new StringBuilder("x0: &x0 [a, a, a, a, a, a, a, a, a]\n");
        for (int i = 1; i < 9; i++) {
            yaml.append("x" + i + ": &x" + i + " [" + ("*x" + (i - 1) + ", ").repeat(8) + "*x" + (i - 1) + "]\n");
        }

        assertThat(error(yaml.toString())).satisfies(e -> {
            assertThat(e.kind()).isEqualTo(ConfigError.Kind.SYNTAX);
            assertThat(e.allowed()).isEqualTo("more than 50 aliases");
            assertThat(e.line()).isEqualTo(7);
        });
    }

    @Test
    void fewAliasesToMuchAreRefusedToo() {
        String hosts = "a.test, ".repeat(20_000);
        StringBuilder yaml = new StringBuilder("upstreams:\n  u.test: &u {hosts: [" + hosts + "]}\n");
        for (int i = 0; i < 40; i++) {
            yaml.append("  u" + i + ".test: *u\n");
        }

        assertThat(error(yaml.toString()).allowed()).isEqualTo("more than 200000 values, aliases followed");
    }

    @Test
    void nestingIsBounded() {
        assertThat(error("[".repeat(500_000)).allowed()).isEqualTo("more than 32 levels");
        assertThat(error("{a: ".repeat(100_000)).allowed()).isEqualTo("more than 32 levels");
    }

    @Test
    void anAliasToItselfEndsTheReading() {
        assertThat(places("upstreams: &a\n  a.test: *a\n")).containsExactly("2:3 upstreams[a.test].a.test UNKNOWN_KEY");
    }

    @ParameterizedTest
    @CsvSource({
        "https://user:hunter2@a.test",
        "https://a.test/?token=hunter2",
        "http://user:hunter2@a.test:1/x?y=hunter2",
        "https://user:hunter2?x@a.test",
        "https://user:x/hunter2?x@a.test",
        "https://user:x@a.test/?a=x@hunter2",
        "https://a.test/x?a=x@hunter2",
        "user:hunter2?x@a.test",
        "https://a.test/#token=hunter2",
        "https://user:hunter2#x@a.test",
    })
    void credentialsInAUrlAreRefusedAndNotShown(String url) {
        ConfigError error = error("upstreams: {a.test: {url: \"" + url + "\"}}");

        assertThat(error.kind()).isEqualTo(ConfigError.Kind.INVALID_VALUE);
        assertThat(error.toString()).doesNotContain("hunter2");
    }

    @ParameterizedTest
    @CsvSource({
        "https://a.test/v2",
        "https://",
        "a.test",
        "https://a_b.test",
        "https://a.test:99999",
        "file:///etc/passwd",
    })
    void aUrlOfARegistryIsSchemeHostAndPort(String url) {
        assertThat(error("upstreams: {a.test: {url: \"" + url + "\"}}").path()).isEqualTo("upstreams[a.test].url");
    }

    @Test
    void credentialsAreOneWayOnly() {
        List<String> wrong = List.of(
                "{username: u}",
                "{password: p}",
                "{username: u, password: p, bearer-token: t}",
                "{bearer-token: t, identity-token: t}",
                "{username: u, bearer-token: t}",
                "{provider: google, exec: [x]}",
                "{provider: ecr, username: u, region: eu-central-1}",
                "{}");
        for (String credentials : wrong) {
            assertThat(places("upstreams: {a.test: {credentials: " + credentials + "}}"))
                    .as(credentials)
                    .containsExactly("1:35 upstreams[a.test].credentials INVALID_VALUE");
        }
    }

    @Test
    void credentialsOfCloudsSayWhatIsWrong() {
        assertThat(error("upstreams: {a.test: {credentials: {provider: gcp}}}").toString())
                .contains("upstreams[a.test].credentials.provider", "one of ecr, google, azure");
        assertThat(error("upstreams: {a.test: {credentials: {provider: ecr}}}").toString())
                .contains("a.test is no name that tells ECR's region");
        assertThat(error("upstreams: {a.test: {credentials: {provider: ecr, region: Frankfurt}}}")
                        .toString())
                .contains("upstreams[a.test].credentials.region", "for example eu-central-1");
        assertThat(error("upstreams: {a.test: {credentials: {provider: google, region: eu-central-1}}}")
                        .toString())
                .contains("credentials.region", "region goes with provider: ecr");
        assertThat(error("upstreams: {a.test: {credentials: {provider: azure, client-secret: s3cret}}}")
                        .toString())
                .contains("a client-secret goes with a client-id")
                .doesNotContain("s3cret");
        String rule = "replication: {rules: [{name: r, source: docker.io, repositories: [x/y], schedule: \"0 * * * *\","
                + " targets: [{url: \"https://ecr.internal\", credentials: {provider: ecr}}]}]}";
        assertThat(error(rule).toString()).contains("ecr.internal is no name that tells ECR's region");
    }

    @Test
    void contradictionsWithinASectionAreReported() {
        assertThat(places("server: {listen: \":1\", admin: \":1\"}"))
                .containsExactly("1:18 server.listen INVALID_VALUE", "1:31 server.admin INVALID_VALUE");
        assertThat(places("upstreams: {a.test: {url: \"http://a.test\", ca: pom.xml}}"))
                .containsExactly("1:48 upstreams[a.test].ca INVALID_VALUE");
    }

    @Test
    void aHostOrAliasMayMeanOneUpstreamOnly() {
        assertThat(errors("""
                        upstreams:
                          a.test: {hosts: [x.test], aliases: [hub]}
                          b.test: {hosts: [x.test, ghcr.io], aliases: [hub, docker.io]}
                        """))
                .extracting(e -> e.line() + ":" + e.column() + " " + e.allowed())
                .containsExactly(
                        "3:20 x.test already means the upstream a.test",
                        "3:28 ghcr.io already means the upstream ghcr.io",
                        "3:48 hub already means the upstream a.test",
                        "3:53 docker.io already means the upstream docker.io");
    }

    @Test
    void aFileThatIsNotThereIsReportedWhereItIsNamed() {
        assertThat(error("upstreams: {a.test: {ca: missing.pem}}"))
                .hasToString("test.yaml:1:26: upstreams[a.test].ca: invalid value \"missing.pem\":"
                        + " expected a file that is there and can be read");
    }

    @ParameterizedTest
    @CsvSource(
            delimiterString = " | ",
            value = {
                "server:~  listen: 1~   admin: 2 | 3:9 | indent this line as the keys beside it",
                "server:~    listen: 1~  admin: 2 | 3:3 | indent this line as the others of the block that begins at 1:1",
                "server:~  listen: a: b | 2:12 | a text with \": \" in it in quotes",
                "server:~  listen: \"a~  admin: 1~ | 4:1 | close the quote that begins at 2:11",
                "upstreams: {a.b: {url: x}~ | 2:1 | close the { that begins at 1:12",
                "a: [b~ | 2:1 | close the [ that begins at 1:4",
                "a: *b | 1:4 | put a text that begins so in quotes",
                "a: %x | 1:4 | that cannot start any token; put a text that begins so in quotes",
                "a:~\tb: 1 | 2:1 | Do not use \\t(TAB) for indentation"
            })
    void whatIsNoYamlIsNamedWithARemedy(String yaml, String at, String remedy) {
        assertThat(error(yaml.replace('~', '\n')).toString())
                .contains(at + ": not YAML: ")
                .contains(remedy);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"a: {password: ${env:X}}", "a: [${env:X}]", "a:\n  {b: 1,\n   \u00e9\ud83d\ude00: x${file:/y}}"})
    void aReferenceThatNeedsQuotesIsToldSo(String yaml) {
        String quotes = "; within { } and [ ], a value with ${...} needs quotes: \"${env:NAME}\"";

        assertThat(error(yaml))
                .satisfies(e -> assertThat(e.kind()).isEqualTo(ConfigError.Kind.SYNTAX))
                .asString()
                .contains(": not YAML: ")
                .endsWith(quotes);
        assertThat(error("a: {b: c{d}}").toString()).contains("not YAML: ").doesNotContain("quotes");
    }

    // Such a list comes from a template that had nothing to fill in, or lost its last entry: it would open or close
    // everything.
    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "rules: [{deny: x, repositories: %s}]; rules[0].repositories",
                "upstreams: {a.test: {rules: [{deny: x, repositories: %s}]}}; upstreams[a.test].rules[0].repositories",
                "rules: [{deny: x, tags: {include: %s}}]; rules[0].tags.include",
                "rules: [{pin: {platforms: %s}}]; rules[0].pin.platforms",
                "rules: [{prefetch: {platforms: %s}}]; rules[0].prefetch.platforms",
                "access: [{anonymous: true, repositories: %s}]; access[0].repositories",
                "cache: {platforms: %s}; cache.platforms",
                "server: {admin-access: {operators: %s}}; server.admin-access.operators",
                "replication: {rules: [{name: r, source: docker.io, repositories: [a], platforms: %s}]}; replication.rules[0].platforms",
                "replication: {rules: [{name: r, source: docker.io, repositories: [a], referrers: {only: %s}}]}; replication.rules[0].referrers.only",
            })
    void aListThatMeansEverythingWhereItIsAbsentMayNotBeEmpty(String yaml, String path) {
        for (String empty : List.of("[]", "~")) {
            assertThat(error(yaml.formatted(empty)))
                    .satisfies(error -> assertThat(error.path()).isEqualTo(path))
                    .asString()
                    .endsWith("invalid value: expected at least 1 entry");
        }
    }
}
