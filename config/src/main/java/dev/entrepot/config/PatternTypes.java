package dev.entrepot.config;

import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.regex.Pattern;

/** Conditions on names: a name, a glob, or {@code {regex: ...}}. */
final class PatternTypes {
    private static final ScalarType<NamePattern> REGEX = ScalarType.of(
            "regular expression",
            "a regular expression that matches the whole name",
            NamePattern::regex,
            NamePattern::text,
            JsonForm.scalar());
    private static final Key<NamePattern, NamePattern> REGEX_KEY =
            Key.required("regex", REGEX, pattern -> pattern, "A regular expression that the whole name must match.");
    private static final Section<NamePattern> REGEX_SECTION =
            new Section<>("{regex: expression}", List.of(REGEX_KEY), values -> values.get(REGEX_KEY));

    private static final Pattern REPOSITORIES = Pattern.compile("(?![/._-])(?!.*//)(?!.*[/._-]$)[a-z0-9._/*?-]+");
    // Before a tag a glob may say that any components come, or none.
    private static final Pattern TAGS = Pattern.compile("(\\*\\*+/)*[A-Za-z0-9_*?][A-Za-z0-9._*?-]*");

    /** A condition on repositories. */
    static final ValueType<NamePattern> REPOSITORY =
            pattern("repository name or glob", RepositoryName::new, PatternTypes::requireRepository);
    /** A condition on tags. */
    static final ValueType<NamePattern> TAG = pattern("tag or glob", Tag::new, PatternTypes::requireTag);
    /** A condition on artifact types. */
    static final ValueType<NamePattern> ARTIFACT_TYPE = pattern("artifact type or glob", text -> {});
    /** A condition on users or groups. */
    static final ValueType<NamePattern> WHO = pattern("name or glob", text -> {});
    /** A condition on repositories with their registries before them. */
    static final ValueType<NamePattern> IMAGE =
            pattern("registry/repository or glob", PatternTypes::image, PatternTypes::requireMatchable);

    private PatternTypes() {}

    /** A regular expression by itself. */
    static ScalarType<NamePattern> regex() {
        return REGEX;
    }

    private static void image(String text) {
        Repository.parse(text);
    }

    // A glob that fits no name would select nothing, and nobody would notice beside others that do.
    private static void requireRepository(String text) {
        if (!REPOSITORIES.matcher(text).matches()) {
            throw new InvalidValueException(
                    "",
                    "a glob that fits a repository name: lower-case letters, digits, . _ - and single slashes, and * and ?");
        }
    }

    private static void requireTag(String text) {
        if (!TAGS.matcher(text).matches()) {
            throw new InvalidValueException(
                    "",
                    "a glob that fits a tag: letters, digits, . _ and -, the first a letter, a digit or _, no slash, and * and ?");
        }
    }

    // What denies and can fit no repository would deny nothing, and nobody would notice.
    private static void requireMatchable(String text) {
        boolean deep = text.contains("**");
        int slash = text.indexOf('/');
        if (slash < 0) {
            if (!deep) {
                throw new InvalidValueException("", "a registry, a slash and a repository or glob; ** is all of them");
            }
            return;
        }
        String host = text.substring(0, slash);
        if (host.chars().anyMatch(c -> c >= 'A' && c <= 'Z')) {
            throw new InvalidValueException("", "the name of a registry in lower case");
        }
        boolean hub = host.equals(RegistryHost.DOCKER_HUB.value());
        if (hub && !deep && text.indexOf('/', slash + 1) < 0) {
            throw new InvalidValueException(
                    "", "two components for docker.io, whose official images are docker.io/library/NAME");
        }
    }

    private static ValueType<NamePattern> pattern(String name, Consumer<String> validateExact) {
        return pattern(name, validateExact, text -> {});
    }

    private static ValueType<NamePattern> pattern(
            String name, Consumer<String> validateExact, Consumer<String> validate) {
        ScalarType<NamePattern> brief = ScalarType.of(
                name,
                "a " + name,
                text -> {
                    NamePattern pattern = NamePattern.parse(text);
                    if (pattern.kind() == NamePattern.Kind.EXACT) {
                        validateExact.accept(text);
                    }
                    validate.accept(text);
                    return pattern;
                },
                NamePattern::text,
                JsonForm.scalar());
        return new EitherType<>(
                brief,
                pattern -> pattern,
                pattern -> Optional.of(pattern).filter(p -> p.kind() != NamePattern.Kind.REGEX),
                REGEX_SECTION);
    }
}
