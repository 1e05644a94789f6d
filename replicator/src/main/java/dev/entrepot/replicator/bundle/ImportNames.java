package dev.entrepot.replicator.bundle;

import dev.entrepot.config.NamePattern;
import dev.entrepot.config.TargetConfig;
import dev.entrepot.oci.InvalidNameException;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.Stream;

/** Which images of a bundle are imported, and under which names. Immutable. */
public final class ImportNames {
    private final List<Option> only;
    private final List<Option> map;
    private final TargetConfig naming;
    private final Map<String, Tag> tags;

    /** An option as it was given, and the images that it is about. */
    private record Option(String text, Predicate<BundledImage> images) {}

    private ImportNames(List<Option> only, List<Option> map, TargetConfig naming, Map<String, Tag> tags) {
        this.only = List.copyOf(only);
        this.map = List.copyOf(map);
        this.naming = naming;
        this.tags = Map.copyOf(tags);
    }

    /**
     * Reads the options of a command.
     *
     * @param only {@code REPO[:TAG]}, each part a name or glob; if there are any, an image must match one
     * @param map {@code REPO=REPO}, where the first may be leading components of names, and {@code REPO:TAG=:TAG}
     * @param prefix components that go before each repository
     * @throws IllegalArgumentException if one of them cannot be read; the message names it
     */
    public static ImportNames parse(List<String> only, List<String> map, Optional<RepositoryName> prefix) {
        List<Option> wanted = new ArrayList<>();
        only.forEach(text -> wanted.add(new Option("--only " + text, images(text))));
        List<Option> renamed = new ArrayList<>();
        Map<RepositoryName, RepositoryName> repositories = new LinkedHashMap<>();
        Map<String, Tag> tags = new LinkedHashMap<>();
        for (String text : map) {
            int equals = text.indexOf('=');
            String from = text.substring(0, Math.max(0, equals));
            String to = text.substring(equals + 1);
            try {
                if (from.isEmpty()) {
                    throw new IllegalArgumentException("there is no = in it");
                }
                boolean twice = from.indexOf(':') < 0
                        ? repositories.put(new RepositoryName(from), new RepositoryName(to)) != null
                        : tags.put(from, tag(to)) != null;
                if (twice) {
                    throw new IllegalArgumentException(from + " is there twice");
                }
                renamed.add(new Option(
                        "--map " + text,
                        image -> from.indexOf(':') < 0
                                ? (image.repository() + "/").startsWith(from + "/")
                                : image.name().equals(from)));
            } catch (IllegalArgumentException e) {
                throw new IllegalArgumentException(
                        "--map " + text + " is neither REPOSITORY=REPOSITORY nor REPOSITORY:TAG=:TAG: "
                                + e.getMessage(),
                        e);
            }
        }
        TargetConfig naming = new TargetConfig(
                new TargetConfig.LayoutDestination(Path.of("")),
                prefix,
                repositories,
                TargetConfig.DEFAULT_MAX_CONCURRENT_REQUESTS);
        return new ImportNames(wanted, renamed, naming, tags);
    }

    private static Tag tag(String text) {
        if (!text.startsWith(":")) {
            throw new IllegalArgumentException("a tag is mapped to a tag of the same repository, written :TAG");
        }
        return new Tag(text.substring(1));
    }

    private static Predicate<BundledImage> images(String text) {
        int colon = text.lastIndexOf(':');
        Predicate<String> repositories =
                NamePattern.parse(colon < 0 ? text : text.substring(0, colon)).matcher();
        Predicate<String> tags = colon < 0
                ? any -> true
                : NamePattern.parse(text.substring(colon + 1)).matcher();
        return image -> repositories.test(image.repository().value())
                && tags.test(image.tag().value());
    }

    /** Whether an image is imported. */
    public boolean selects(BundledImage image) {
        return only.isEmpty()
                || only.stream().anyMatch(wanted -> wanted.images().test(image));
    }

    /** Options that are about none of these images, as they were given: somebody meant something else by them. */
    public List<String> idle(List<BundledImage> images) {
        return Stream.concat(only.stream(), map.stream())
                .filter(option -> images.stream().noneMatch(option.images()))
                .map(Option::text)
                .toList();
    }

    /**
     * The name that a repository gets.
     *
     * @throws InvalidNameException if it becomes too long
     */
    public RepositoryName repository(RepositoryName name) {
        return naming.nameFor(name);
    }

    /** The name at the source of a repository of the target; empty if with these options no import writes to it. */
    Optional<RepositoryName> source(RepositoryName target) {
        String prefix = naming.prefix().map(name -> name + "/").orElse("");
        if (!target.value().startsWith(prefix)) {
            return Optional.empty();
        }
        String rest = target.value().substring(prefix.length());
        Stream<String> renamed = naming.map().entrySet().stream()
                .filter(entry -> (rest + "/").startsWith(entry.getValue() + "/"))
                .map(entry ->
                        entry.getKey() + rest.substring(entry.getValue().value().length()));
        return Stream.concat(renamed, Stream.of(rest))
                .filter(name -> becomes(name, target))
                .map(RepositoryName::new)
                .findFirst();
    }

    private boolean becomes(String name, RepositoryName target) {
        try {
            return repository(new RepositoryName(name)).equals(target);
        } catch (InvalidNameException e) {
            return false;
        }
    }

    /** The tag at the source of a tag of the target. */
    Tag source(RepositoryName repository, Tag target) {
        return tags.entrySet().stream()
                .filter(entry -> entry.getValue().equals(target))
                .map(Map.Entry::getKey)
                .filter(from -> from.startsWith(repository + ":"))
                .map(from -> new Tag(from.substring(from.lastIndexOf(':') + 1)))
                .findFirst()
                .orElse(target);
    }

    /** The tag that an image gets. */
    public Tag tag(BundledImage image) {
        return tags.getOrDefault(image.name(), image.tag());
    }
}
