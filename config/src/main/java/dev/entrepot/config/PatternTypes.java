package dev.entrepot.config;

import dev.entrepot.oci.Repository;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/** Conditions on names: a name, a glob, or {@code {regex: ...}}. */
final class PatternTypes {
    private static final ScalarType<NamePattern> REGEX = ScalarType.of(
            "regular expression",
            "a regular expression that matches the whole name",
            NamePattern::regex,
            NamePattern::text,
            JsonForm.text());
    private static final Key<NamePattern, NamePattern> REGEX_KEY =
            Key.required("regex", REGEX, pattern -> pattern, "A regular expression that the whole name must match.");
    private static final Section<NamePattern> REGEX_SECTION =
            new Section<>("{regex: expression}", List.of(REGEX_KEY), values -> values.get(REGEX_KEY));

    /** A condition on repositories. */
    static final ValueType<NamePattern> REPOSITORY = pattern("repository name or glob", RepositoryName::new);
    /** A condition on tags. */
    static final ValueType<NamePattern> TAG = pattern("tag or glob", Tag::new);
    /** A condition on artifact types. */
    static final ValueType<NamePattern> ARTIFACT_TYPE = pattern("artifact type or glob", text -> {});
    /** A condition on users or groups. */
    static final ValueType<NamePattern> WHO = pattern("name or glob", text -> {});
    /** A condition on repositories with their registries before them. */
    static final ValueType<NamePattern> IMAGE = pattern("registry/repository or glob", Repository::parse);

    private PatternTypes() {}

    /** A regular expression by itself. */
    static ScalarType<NamePattern> regex() {
        return REGEX;
    }

    private static ValueType<NamePattern> pattern(String name, Consumer<String> validateExact) {
        ScalarType<NamePattern> brief = ScalarType.of(
                name,
                "a " + name,
                text -> {
                    NamePattern pattern = NamePattern.parse(text);
                    if (pattern.kind() == NamePattern.Kind.EXACT) {
                        validateExact.accept(text);
                    }
                    return pattern;
                },
                NamePattern::text,
                JsonForm.text());
        return new EitherType<>(
                brief,
                pattern -> pattern,
                pattern -> Optional.of(pattern).filter(p -> p.kind() != NamePattern.Kind.REGEX),
                REGEX_SECTION);
    }
}
