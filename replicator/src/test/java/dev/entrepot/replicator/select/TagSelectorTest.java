package dev.entrepot.replicator.select;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.config.NamePattern;
import dev.entrepot.config.SemverRange;
import dev.entrepot.config.TagSelectionConfig;
import dev.entrepot.config.TagSelectionConfig.Newest;
import dev.entrepot.config.TagSelectionConfig.Order;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.select.TagDecision.Condition;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class TagSelectorTest {
    private static final Instant NOW = Instant.parse("2026-11-20T00:00:00Z");
    private static final ImageTimes NO_TIMES = tag -> {
        throw new AssertionError("nobody needs the time of " + tag);
    };

    private static List<NamePattern> patterns(String... texts) {
        return Arrays.stream(texts).map(NamePattern::parse).toList();
    }

    private static TagSelectionConfig config(
            List<NamePattern> include,
            List<NamePattern> exclude,
            Optional<SemverRange> semver,
            Optional<Newest> newest,
            Optional<Duration> youngerThan,
            List<NamePattern> always,
            int atLeast) {
        return new TagSelectionConfig(include, exclude, Optional.empty(), semver, newest, youngerThan, always, atLeast);
    }

    private static Map<String, String> explain(TagSelectionConfig config, ImageTimes times, String... tags)
            throws IOException {
        Map<String, String> result = new LinkedHashMap<>();
        for (TagDecision decision : new TagSelector(config, InstantSource.fixed(NOW))
                .select(Arrays.stream(tags).map(Tag::new).toList(), times)) {
            result.put(decision.tag().value(), (decision.kept() ? "+" : "-") + decision.condition());
        }
        return result;
    }

    @Test
    void everyDropNamesItsCondition() throws IOException {
        TagSelectionConfig config = config(
                patterns("v*"),
                patterns("*-rc*"),
                Optional.of(new SemverRange(">=1.2 <3")),
                Optional.of(new Newest(2, Order.VERSION)),
                Optional.empty(),
                patterns("stable"),
                0);

        assertThat(explain(
                        config,
                        NO_TIMES,
                        "v1.1",
                        "v1.2",
                        "v2.0.1",
                        "v2.10",
                        "v2.11-rc1",
                        "vanilla",
                        "latest",
                        "stable",
                        "sha256-" + "a".repeat(64),
                        "sha256-" + "a".repeat(64) + ".sig"))
                .containsEntry("v1.1", "-semver")
                .containsEntry("v1.2", "-newest")
                .containsEntry("v2.0.1", "+include")
                .containsEntry("v2.10", "+include")
                .containsEntry("v2.11-rc1", "-exclude")
                .containsEntry("vanilla", "-semver")
                .containsEntry("latest", "-include")
                .containsEntry("stable", "+always")
                .containsEntry("sha256-" + "a".repeat(64), "-attached")
                .containsEntry("sha256-" + "a".repeat(64) + ".sig", "-attached");
    }

    @Test
    void expressionMustMatchTheWholeTagAfterIncludeAndExclude() throws IOException {
        TagSelectionConfig config = new TagSelectionConfig(
                patterns("v*"),
                patterns("v9*"),
                Optional.of(NamePattern.regex("v[0-9]+\\.[0-9]+")),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                patterns("stable"),
                0);

        assertThat(explain(config, NO_TIMES, "v1.2", "v1.2.3", "xv1.2", "v9.1", "v1", "stable"))
                .containsExactly(
                        Map.entry("v1.2", "+include"),
                        Map.entry("v1.2.3", "-regex"),
                        Map.entry("xv1.2", "-include"),
                        Map.entry("v9.1", "-exclude"),
                        Map.entry("v1", "-regex"),
                        Map.entry("stable", "+always"));
    }

    @Test
    void attachedTagsAreDroppedEvenIfAlwaysMatches() throws IOException {
        String fallback = "sha256-" + "0".repeat(64);
        assertThat(explain(
                        config(
                                patterns("*"),
                                List.of(),
                                Optional.empty(),
                                Optional.empty(),
                                Optional.empty(),
                                patterns("*"),
                                0),
                        NO_TIMES,
                        fallback,
                        "sha256-but-mine"))
                .containsEntry(fallback, "-attached")
                .containsEntry("sha256-but-mine", "+always");
    }

    @Test
    void newestByTimeAndYoungerThanAskOnlyForWhatIsLeft() throws IOException {
        List<String> asked = new ArrayList<>();
        ImageTimes times = tag -> {
            synchronized (asked) {
                asked.add(tag.value());
            }
            return switch (tag.value()) {
                case "a" -> Optional.of(NOW.minus(Duration.ofDays(1)));
                case "b" -> Optional.of(NOW.minus(Duration.ofDays(20)));
                case "c" -> Optional.of(NOW.minus(Duration.ofDays(40)));
                default -> Optional.empty();
            };
        };
        TagSelectionConfig config = config(
                patterns("*"),
                patterns("x*"),
                Optional.empty(),
                Optional.of(new Newest(2, Order.TIME)),
                Optional.of(Duration.ofDays(10)),
                List.of(),
                0);

        assertThat(explain(config, times, "a", "b", "c", "d", "x1"))
                .containsExactly(
                        Map.entry("a", "+include"),
                        Map.entry("b", "-younger-than"),
                        Map.entry("c", "-newest"),
                        Map.entry("d", "-newest"),
                        Map.entry("x1", "-exclude"));
        assertThat(asked).contains("a", "b", "c", "d").doesNotContain("x1");
    }

    @Test
    void belowTheFloorNothingIsKept() throws IOException {
        TagSelectionConfig config =
                config(patterns("v*"), List.of(), Optional.empty(), Optional.empty(), Optional.empty(), List.of(), 3);
        TagSelector selector = new TagSelector(config, InstantSource.fixed(NOW));

        List<TagDecision> few = selector.select(List.of(new Tag("v1"), new Tag("v2"), new Tag("x")), NO_TIMES);
        List<TagDecision> enough = selector.select(List.of(new Tag("v1"), new Tag("v2"), new Tag("v3")), NO_TIMES);

        assertThat(few).noneMatch(TagDecision::kept);
        assertThat(few.getFirst().condition()).isEqualTo(Condition.AT_LEAST);
        assertThat(selector.isTooFew(few)).isTrue();
        assertThat(enough).allMatch(TagDecision::kept);
        assertThat(selector.isTooFew(enough)).isFalse();
    }

    @Test
    void plainNamesNeedNoList() {
        TagSelectionConfig names = config(
                patterns("1.0", "2.0"),
                List.of(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                patterns("latest"),
                0);
        assertThat(new TagSelector(names, InstantSource.fixed(NOW)).named())
                .contains(List.of(new Tag("1.0"), new Tag("2.0"), new Tag("latest")));
        assertThat(new TagSelector(TagSelectionConfig.ALL, InstantSource.fixed(NOW)).named())
                .isEmpty();
    }

    private static final NamePattern SLOW = NamePattern.regex("(.*a){25}-x");
    private static final String LONG = "a".repeat(120) + "-b";

    @Test
    void tagOnWhichAnExpressionGivesUpIsNotCopied() throws IOException {
        List<NamePattern> all = patterns("*");
        TagSelectionConfig included =
                config(List.of(SLOW), List.of(), Optional.empty(), Optional.empty(), Optional.empty(), List.of(), 0);
        TagSelectionConfig excluded =
                config(all, List.of(SLOW), Optional.empty(), Optional.empty(), Optional.empty(), List.of(), 0);
        TagSelectionConfig always = config(
                patterns("v*"), List.of(), Optional.empty(), Optional.empty(), Optional.empty(), List.of(SLOW), 0);
        TagSelectionConfig matching = new TagSelectionConfig(
                all, List.of(), Optional.of(SLOW), Optional.empty(), Optional.empty(), Optional.empty(), List.of(), 0);

        assertThat(SLOW.matcher(() -> true)).accepts(LONG);
        assertThat(SLOW.matcher(() -> false)).rejects(LONG);
        assertThat(explain(included, NO_TIMES, LONG)).containsEntry(LONG, "-include");
        assertThat(explain(excluded, NO_TIMES, LONG, "v1"))
                .containsEntry(LONG, "-exclude")
                .containsEntry("v1", "+include");
        assertThat(explain(always, NO_TIMES, LONG)).containsEntry(LONG, "-include");
        assertThat(explain(matching, NO_TIMES, LONG)).containsEntry(LONG, "-regex");
    }

    @Test
    void pushConcernsARuleUnlessTheNameOfTheTagAloneDropsIt() {
        TagSelector selector = new TagSelector(
                config(
                        patterns("v*"),
                        patterns("*-rc*"),
                        Optional.of(new SemverRange(">=1.2 <3")),
                        Optional.of(new Newest(2, Order.TIME)),
                        Optional.of(Duration.ofDays(10)),
                        patterns("stable"),
                        0),
                InstantSource.fixed(NOW));

        assertThat(List.of("v1.2", "v2.0.1", "stable", "sha256-" + "a".repeat(64), "sha256-" + "a".repeat(64) + ".sig"))
                .map(Tag::new)
                .allMatch(selector::mayKeep);
        assertThat(List.of("v1.1", "v1.2-rc1", "latest", "sha256-but-mine"))
                .map(Tag::new)
                .noneMatch(selector::mayKeep);
    }

    @Test
    void keptAndDroppedTagsSayWhatDecided() throws IOException {
        Instant old = NOW.minus(Duration.ofDays(20));
        ImageTimes times = tag -> switch (tag.value()) {
            case "v1.3" -> Optional.of(NOW.minus(Duration.ofHours(1)));
            case "v1.2" -> Optional.of(old);
            default -> Optional.empty();
        };
        Map<Duration, String> texts =
                Map.of(Duration.ofDays(10), "10d", Duration.ofHours(36), "36h", Duration.ofHours(2), "2h");
        for (Map.Entry<Duration, String> text : texts.entrySet()) {
            TagSelectionConfig config = new TagSelectionConfig(
                    patterns("v*"),
                    List.of(),
                    Optional.of(NamePattern.regex("v.*")),
                    Optional.of(new SemverRange(">=1.2")),
                    Optional.of(new Newest(3, Order.VERSION)),
                    Optional.of(text.getKey()),
                    List.of(),
                    0);

            assertThat(new TagSelector(config, InstantSource.fixed(NOW))
                            .select(List.of(new Tag("v1.3"), new Tag("v1.2"), new Tag("v1.4")), times))
                    .extracting(TagDecision::detail)
                    .containsExactly(
                            "matches one of [v*], matches /v.*/, is in >=1.2, is among the newest 3 by version,"
                                    + " is younger than " + text.getValue(),
                            "was created " + old,
                            "does not tell when it was created");
        }
    }
}
