package dev.entrepot.replicator.select;

import dev.entrepot.config.NamePattern;
import dev.entrepot.config.SemanticVersion;
import dev.entrepot.config.TagSelectionConfig;
import dev.entrepot.config.VersionRange;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.graph.Concurrently;
import dev.entrepot.replicator.graph.CosignTags;
import dev.entrepot.replicator.select.TagDecision.Condition;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * Applies the conditions of a {@link TagSelectionConfig} to a tag list, in their order. Asks for the time of an image
 * only where a condition needs it and for tags that passed all before. Safe for all threads.
 */
public final class TagSelector {
    // Images whose time is being asked for; as many as there may be requests to one source.
    private static final int AT_ONCE = 64;

    private final TagSelectionConfig config;
    private final InstantSource clock;
    private final Predicate<String> include;
    private final Predicate<String> exclude;
    private final Predicate<String> always;
    private final Optional<Predicate<String>> regex;
    private final Optional<VersionRange> range;
    // The same text for all: a plan of many tags is not to grow by one for each.
    private final String passed;
    private final String alwaysKept;

    /** Of these conditions; {@code clock} is what ages are measured against. */
    public TagSelector(TagSelectionConfig config, InstantSource clock) {
        this.config = config;
        this.clock = clock;
        this.include = any(config.include(), false);
        this.exclude = any(config.exclude(), true);
        this.always = any(config.always(), false);
        this.regex = config.regex().map(NamePattern::matcher);
        this.range = config.semver().map(VersionRange::of);
        this.passed = passed(config);
        this.alwaysKept = "matches one of " + config.always();
    }

    private static String passed(TagSelectionConfig config) {
        List<String> conditions = new ArrayList<>();
        conditions.add("matches one of " + config.include());
        config.regex().ifPresent(regex -> conditions.add("matches " + regex));
        config.semver().ifPresent(semver -> conditions.add("is in " + semver));
        config.newest()
                .ifPresent(newest -> conditions.add("is among the newest " + newest.count() + " by "
                        + newest.by().name().toLowerCase(Locale.ROOT)));
        config.youngerThan().ifPresent(age -> conditions.add("is younger than " + days(age)));
        return String.join(", ", conditions);
    }

    private static String days(Duration age) {
        boolean whole = age.toDays() > 0 && Duration.ofDays(age.toDays()).equals(age);
        return whole
                ? age.toDays() + "d"
                : age.toString().substring("PT".length()).toLowerCase(Locale.ROOT);
    }

    // A tag on which an expression gives up is not copied.
    private static Predicate<String> any(List<NamePattern> patterns, boolean undecided) {
        List<Predicate<String>> matchers = patterns.stream()
                .map(pattern -> pattern.matcher(() -> undecided))
                .toList();
        return text -> matchers.stream().anyMatch(matcher -> matcher.test(text));
    }

    /**
     * The tags that are named outright, where names are all there is, so that no list is needed; empty where one is.
     */
    public Optional<List<Tag>> named() {
        boolean plain = config.newest().isEmpty() && config.atLeast() == 0;
        boolean exact = Stream.concat(config.include().stream(), config.always().stream())
                .allMatch(pattern -> pattern.kind() == NamePattern.Kind.EXACT);
        if (!plain || !exact) {
            return Optional.empty();
        }
        return Optional.of(Stream.concat(config.include().stream(), config.always().stream())
                .map(pattern -> new Tag(pattern.text()))
                .distinct()
                .toList());
    }

    /**
     * Decides about each tag, in the order of {@code tags}.
     *
     * @throws IOException if the time of an image was needed and is not to be had
     */
    public List<TagDecision> select(Collection<Tag> tags, ImageTimes times) throws IOException {
        Map<Tag, TagDecision> decided = new HashMap<>();
        List<Tag> open = new ArrayList<>();
        for (Tag tag : tags) {
            Optional<TagDecision> decision = byName(tag);
            decision.ifPresentOrElse(d -> decided.put(tag, d), () -> open.add(tag));
        }
        Set<Tag> left = new HashSet<>(newest(open, times, decided));
        left = young(left, times, decided);
        for (Tag tag : left) {
            decided.put(tag, new TagDecision(tag, true, Condition.INCLUDE, passed));
        }
        long kept = decided.values().stream().filter(TagDecision::kept).count();
        List<TagDecision> result = new ArrayList<>(decided.size());
        for (Tag tag : tags) {
            TagDecision decision = decided.get(tag);
            if (decision != null) {
                result.add(kept < config.atLeast() && decision.kept() ? tooFew(tag, kept) : decision);
            }
        }
        return result;
    }

    /** Whether the floor was not reached, so that nothing of the repository may be copied or deleted. */
    public boolean isTooFew(List<TagDecision> decisions) {
        return config.atLeast() > 0 && decisions.stream().noneMatch(TagDecision::kept);
    }

    /** Whether the name alone does not drop the tag; of a tag that names a digest, its subject may be concerned. */
    public boolean mayKeep(Tag tag) {
        Optional<TagDecision> decision = byName(tag);
        return decision.isEmpty() || decision.get().kept() || decision.get().condition() == Condition.ATTACHED;
    }

    private TagDecision tooFew(Tag tag, long kept) {
        return new TagDecision(
                tag, false, Condition.AT_LEAST, "only " + kept + " tags are left, at least " + config.atLeast());
    }

    private Optional<TagDecision> byName(Tag tag) {
        String text = tag.value();
        if (CosignTags.isAttached(tag)) {
            return drop(tag, Condition.ATTACHED, "travels with its subject");
        }
        if (always.test(text)) {
            return Optional.of(new TagDecision(tag, true, Condition.ALWAYS, alwaysKept));
        }
        if (!include.test(text)) {
            return drop(tag, Condition.INCLUDE, "matches none of " + config.include());
        }
        if (exclude.test(text)) {
            return drop(tag, Condition.EXCLUDE, "matches one of " + config.exclude());
        }
        if (regex.isPresent() && !regex.get().test(text)) {
            return drop(
                    tag,
                    Condition.REGEX,
                    "does not match "
                            + config.regex().map(NamePattern::toString).orElse(""));
        }
        if (range.isPresent()) {
            Optional<SemanticVersion> version = SemanticVersion.parse(text);
            if (version.isEmpty()) {
                return drop(tag, Condition.SEMVER, "is not a version");
            }
            if (!range.get().test(version.get())) {
                return drop(
                        tag,
                        Condition.SEMVER,
                        "is not in " + config.semver().map(Object::toString).orElse(""));
            }
        }
        return Optional.empty();
    }

    private List<Tag> newest(List<Tag> tags, ImageTimes times, Map<Tag, TagDecision> decided) throws IOException {
        if (config.newest().isEmpty()) {
            return tags;
        }
        TagSelectionConfig.Newest newest = config.newest().get();
        List<Tag> ordered = switch (newest.by()) {
            case VERSION -> byVersion(tags, decided);
            case TIME -> byTime(tags, times, decided);
        };
        List<Tag> kept = ordered.subList(0, Math.min(newest.count(), ordered.size()));
        for (Tag tag : ordered.subList(kept.size(), ordered.size())) {
            decided.put(
                    tag, new TagDecision(tag, false, Condition.NEWEST, "is not among the newest " + newest.count()));
        }
        return kept;
    }

    private static List<Tag> byVersion(List<Tag> tags, Map<Tag, TagDecision> decided) {
        Map<Tag, SemanticVersion> versions = new HashMap<>();
        for (Tag tag : tags) {
            SemanticVersion.parse(tag.value())
                    .ifPresentOrElse(
                            version -> versions.put(tag, version),
                            () -> decided.put(tag, new TagDecision(tag, false, Condition.NEWEST, "is not a version")));
        }
        return descending(versions);
    }

    private static List<Tag> byTime(List<Tag> tags, ImageTimes times, Map<Tag, TagDecision> decided)
            throws IOException {
        Map<Tag, Instant> known = new HashMap<>();
        times(tags, times)
                .forEach((tag, time) -> time.ifPresentOrElse(
                        instant -> known.put(tag, instant),
                        () -> decided.put(
                                tag,
                                new TagDecision(tag, false, Condition.NEWEST, "does not tell when it was created"))));
        return descending(known);
    }

    // Equal versions or times are ordered by the tag itself, so that the choice does not depend on the list's order.
    private static <V extends Comparable<? super V>> List<Tag> descending(Map<Tag, V> values) {
        Comparator<Map.Entry<Tag, V>> order =
                Map.Entry.<Tag, V>comparingByValue().thenComparing(Map.Entry::getKey);
        return values.entrySet().stream()
                .sorted(order.reversed())
                .map(Map.Entry::getKey)
                .toList();
    }

    private Set<Tag> young(Set<Tag> tags, ImageTimes times, Map<Tag, TagDecision> decided) throws IOException {
        if (config.youngerThan().isEmpty()) {
            return tags;
        }
        Instant oldest = clock.instant().minus(config.youngerThan().get());
        Set<Tag> kept = new HashSet<>();
        times(tags, times).forEach((tag, time) -> {
            if (time.isPresent() && time.get().isAfter(oldest)) {
                kept.add(tag);
            } else {
                String detail = time.map(t -> "was created " + t).orElse("does not tell when it was created");
                decided.put(tag, new TagDecision(tag, false, Condition.YOUNGER_THAN, detail));
            }
        });
        return kept;
    }

    private static Map<Tag, Optional<Instant>> times(Collection<Tag> tags, ImageTimes times) throws IOException {
        List<Tag> order = List.copyOf(tags);
        Map<Tag, Optional<Instant>> result = new HashMap<>();
        List<Optional<Instant>> answers = Concurrently.map(order, AT_ONCE, times::created);
        for (int i = 0; i < order.size(); i++) {
            result.put(order.get(i), answers.get(i));
        }
        return result;
    }

    private static Optional<TagDecision> drop(Tag tag, Condition condition, String detail) {
        return Optional.of(new TagDecision(tag, false, condition, detail));
    }
}
