package dev.entrepot.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Patterns and names that take for ever where all ways to match are tried one after the other. */
class CostlyPatternsTest {
    private static final Duration LONG = Duration.ofSeconds(20);
    private static final String NAME = "a".repeat(60) + "-b";

    @Test
    void globOfManyStarsIsDecided() {
        Predicate<String> glob = NamePattern.parse("**a".repeat(11) + "-x").matcher();
        assertTimeoutPreemptively(LONG, () -> {
            assertThat(glob.test("a".repeat(250) + "-b")).isFalse();
            assertThat(glob.test("a".repeat(250) + "-x")).isTrue();
        });
    }

    @ParameterizedTest
    @ValueSource(strings = {"(a|aa)+\\1-x", "(.*a){25}-x", "(a*)*\\1-x"})
    void expressionGivesUpOnANameThatTakesTooLongAndDecidesOthers(String regex) {
        AtomicInteger asked = new AtomicInteger();
        Predicate<String> counting = NamePattern.regex(regex).matcher(() -> {
            asked.incrementAndGet();
            return true;
        });
        assertTimeoutPreemptively(LONG, () -> {
            assertThat(NamePattern.regex(regex).matcher().test(NAME)).isFalse();
            assertThat(counting.test(NAME)).isTrue();
            assertThat(asked).hasValue(1);
            assertThat(counting.test("b-x")).isFalse();
            assertThat(asked).hasValue(1);
        });
    }

    @Test
    void usualExpressionsDecideTheLongestNames() {
        Predicate<String> regex = NamePattern.regex("(?:[a-z0-9]+/)*.*-(poc|exploit)")
                .matcher(() -> {
                    throw new AssertionError("given up");
                });
        assertThat(regex.test("team/".repeat(40) + "x-poc")).isTrue();
        assertThat(regex.test("team/".repeat(40) + "x-pod")).isFalse();
        assertThat(regex.test("a".repeat(255))).isFalse();
    }

    @Test
    void textThatIsLongerThanAnyNameIsGivenUp() {
        assertThat(NamePattern.regex("(a|b)*").matcher().test("a".repeat(1_000_000)))
                .isFalse();
    }

    @Test
    void warningNamesTheRuleAndAName() {
        EntrepotConfig config = Loading.config("""
                upstreams: {a.test: {rules: [{tags: [{regex: "v(.*1){25}-x"}], freshness: always}]}}
                rules:
                  - {repositories: ["**/ok", {regex: ".*-(poc|exploit)"}], deny: "no"}
                  - {repositories: [{regex: "b2/(a|aa)+\\\\1-x"}], deny: "no"}
                """);
        List<String> warnings = CostlyPatterns.warnings(config);
        assertThat(warnings).hasSize(2);
        assertThat(warnings.get(0)).startsWith("warning: upstreams[a.test].rules[0]: /v(.*1){25}-x/ takes too long");
        assertThat(warnings.get(1)).startsWith("warning: rules[1]: ").contains("for example b2/aaaa");
    }
}
