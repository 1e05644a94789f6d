package dev.entrepot.replicator.layout;

import dev.entrepot.oci.InvalidNameException;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.RepositorySource;
import dev.entrepot.oci.RepositoryTarget;
import dev.entrepot.replicator.SourceRegistry;
import dev.entrepot.replicator.TargetRegistry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;

/**
 * A folder of OCI image layouts (image-spec image-layout.md), one for each repository, in a subfolder of the repository's name; so each of them is
 * readable by every tool that reads layouts. Nothing else may write to it at the same time. Safe for all threads.
 */
public final class OciLayout implements SourceRegistry, TargetRegistry {
    private final String name;
    private final Path root;
    private final ConcurrentHashMap<RepositoryName, LayoutRepository> repositories = new ConcurrentHashMap<>();

    /**
     * In this folder, which need not exist yet.
     *
     * @param name the name under which reports show it
     */
    public OciLayout(String name, Path root) {
        this.name = name;
        this.root = root;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public RepositorySource repository(RepositoryName repository) {
        return at(repository);
    }

    @Override
    public RepositoryTarget target(RepositoryName repository) {
        return at(repository);
    }

    @Override
    public RepositorySource reader(RepositoryName repository) {
        return at(repository);
    }

    private LayoutRepository at(RepositoryName repository) {
        return repositories.computeIfAbsent(
                repository, key -> new LayoutRepository(root.resolve(key.value()), key, this::existing));
    }

    private Optional<LayoutRepository> existing(RepositoryName repository) {
        return Files.exists(root.resolve(repository.value()).resolve(LayoutIndex.MARKER))
                ? Optional.of(at(repository))
                : Optional.empty();
    }

    @Override
    public List<RepositoryName> catalog() throws IOException {
        if (!Files.isDirectory(root)) {
            return List.of();
        }
        List<RepositoryName> names = new ArrayList<>();
        try (Stream<Path> files = Files.find(root, 32, (path, attributes) -> path.endsWith(LayoutIndex.MARKER))) {
            for (Path marker : files.sorted().toList()) {
                String relative = root.relativize(marker.getParent()).toString().replace('\\', '/');
                name(relative).ifPresent(names::add);
            }
        }
        return names;
    }

    private static Optional<RepositoryName> name(String text) {
        try {
            return Optional.of(new RepositoryName(text));
        } catch (InvalidNameException e) {
            return Optional.empty();
        }
    }
}
