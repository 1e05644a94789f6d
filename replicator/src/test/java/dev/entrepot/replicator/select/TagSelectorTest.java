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
}
