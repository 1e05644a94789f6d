package dev.entrepot.proxy.replication;

import dev.entrepot.config.LimitsConfig;
import dev.entrepot.config.NamePattern;
import dev.entrepot.config.PruneConfig;
import dev.entrepot.config.ReferrersConfig;
import dev.entrepot.config.ReplicationRuleConfig.OnConflict;
import dev.entrepot.config.ReplicationRuleConfig.OnSparseRefused;
import dev.entrepot.config.ReplicationRuleConfig.Verify;
import dev.entrepot.config.TagSelectionConfig;
import dev.entrepot.config.TargetConfig;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.client.RegistryClient;
import dev.entrepot.replicator.ReplicationRule;
import dev.entrepot.replicator.ReplicationRunner;
import dev.entrepot.replicator.SourceRegistry;
import dev.entrepot.replicator.TargetRegistry;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Finds out what a command to copy one image means. A registry that is configured, as an upstream or as the target of a
 * rule, is reached as configured; any other with the credentials that the user's docker {@code config.json} has for it.
 * Safe for all threads.
 */
final class ImageCopies {
    private static final Tag LATEST = new Tag("latest");

    private final Registries registries;
    private final OtherSources others;
    private final ReplicationTargets targets;
    private final ReplicationRunner runner;

    /**
     * Copies of a process.
     *
     * @param others what is read that is not configured
     */
    ImageCopies(Registries registries, OtherSources others, ReplicationTargets targets, ReplicationRunner runner) {
        this.registries = registries;
        this.others = others;
        this.targets = targets;
        this.runner = runner;
    }

    /** As {@link Replication#copy}. */
    ImageCopy prepare(String sourceName, String targetName, boolean anyLayout) throws BadRequestException, IOException {
        CopyName source = CopyName.parse(sourceName);
        CopyName target = CopyName.parse(targetName);
        if (target.digest().isPresent()) {
            throw new BadRequestException("the target " + target + " must be a tag, not a digest");
        }
        if (target.tag().isEmpty() && source.tag().isEmpty() && source.digest().isPresent()) {
            throw new BadRequestException("the target " + target + " needs a tag, as " + source + " has none");
        }
        Tag sourceTag = source.tag().orElse(LATEST);
        Tag tag = target.tag().orElse(sourceTag);
        ManifestReference reference =
                source.digest().<ManifestReference>map(d -> d).orElse(sourceTag);
        List<Runnable> own = new ArrayList<>();
        try {
            SourceRegistry from = source(source, anyLayout, own);
            TargetRegistry to = target(target, anyLayout, own);
            RepositoryName read = readFrom(source, from, target);
            RepositoryName written = repository(target).orElse(read);
            if (same(from, to) && read.equals(written)) {
                throw new BadRequestException(
                        "source and target are the same repository; name another repository or registry as the target");
            }
            return new ImageCopy(runner, rule(from, read, to, written, tag), read, reference, tag, own);
        } catch (BadRequestException | IOException | RuntimeException e) {
            own.forEach(Runnable::run);
            throw e;
        }
    }

    private SourceRegistry source(CopyName name, boolean anyLayout, List<Runnable> own)
            throws BadRequestException, IOException {
        return switch (name) {
            case ImageName image -> {
                Optional<RegistryClient> configured = registries.sourceOf(image);
                if (configured.isPresent()) {
                    yield new RegistrySource(configured.get(), registries.cache());
                }
                OtherSources.Use other = others.open(registries.place(image));
                own.add(other::close);
                yield new RegistrySource(other.client(), Optional.empty());
            }
            case LayoutName layout -> {
                refuseUnlessKnown(layout, anyLayout);
                if (Files.notExists(layout.path())) {
                    throw new BadRequestException("there is no layout at " + layout.path());
                }
                if (Files.isRegularFile(layout.path())
                        && !layout.path().toString().endsWith(".tar")) {
                    throw new BadRequestException(layout.path() + " is a file, and a layout is a folder, or a tar whose"
                            + " name ends in .tar and that is not compressed");
                }
                yield targets.layouts().source(layout.path().toString(), layout.path());
            }
        };
    }

    private TargetRegistry target(CopyName name, boolean anyLayout, List<Runnable> own)
            throws BadRequestException, IOException {
        return switch (name) {
            case ImageName image -> {
                RegistryClient client = targetClient(image, own);
                yield new RegistryTarget(ReplicationTargets.name(client), client);
            }
            case LayoutName layout -> {
                refuseUnlessKnown(layout, anyLayout);
                yield targets.layouts().target(layout.path().toString(), layout.path());
            }
        };
    }

    // Whoever reaches the admin API may run what is configured, and not write files wherever this process may.
    private void refuseUnlessKnown(LayoutName layout, boolean anyLayout) throws BadRequestException {
        if (!anyLayout && !targets.hasLayout(layout.path())) {
            throw new BadRequestException(
                    "the server that has the data folder open copies only from and to layouts that"
                            + " are targets of rules, and " + layout.path()
                            + " is not; give the command a data folder of its"
                            + " own (--data)");
        }
    }

    private RegistryClient targetClient(ImageName image, List<Runnable> own) throws IOException, BadRequestException {
        Optional<RegistryClient> known = targets.find(image).or(() -> registries.upstreamOf(image));
        if (known.isPresent()) {
            return known.get();
        }
        RegistryClient client = registries.connect(image);
        own.add(client::close);
        return client;
    }

    private static Optional<RepositoryName> repository(CopyName name) {
        return switch (name) {
            case ImageName image -> Optional.of(image.repository());
            case LayoutName layout -> layout.repository();
        };
    }

    // A layout need not say in which repository its images are: then any name finds them, also that of the target.
    private static RepositoryName readFrom(CopyName source, SourceRegistry from, CopyName target)
            throws IOException, BadRequestException {
        Optional<RepositoryName> named = repository(source);
        if (named.isPresent()) {
            return named.get();
        }
        List<RepositoryName> inLayout = from.catalog();
        if (inLayout.size() > 1) {
            throw new BadRequestException(source + " has several repositories: "
                    + inLayout.stream().map(RepositoryName::value).collect(Collectors.joining(", "))
                    + "; say which one: layout:PATH:REPOSITORY:TAG"
                    + (source.digest().isPresent() ? ", with @DIGEST behind it" : ""));
        }
        return inLayout.stream()
                .findFirst()
                .or(() -> repository(target))
                .orElseThrow(() -> new BadRequestException(
                        source + " does not say of which repository its images are; say so in the target:"
                                + " layout:PATH:REPOSITORY:TAG"));
    }

    private static boolean same(SourceRegistry from, TargetRegistry to) {
        return from instanceof RegistrySource source && to instanceof RegistryTarget target
                ? Endpoints.same(
                        source.client().endpoint().baseUrl(),
                        target.client().endpoint().baseUrl())
                : from.name().equals(to.name());
    }

    // The name cannot be that of a configured rule, and is another one for each target, so that only the same copy
    // counts as running.
    private static ReplicationRule rule(
            SourceRegistry from, RepositoryName read, TargetRegistry to, RepositoryName written, Tag tag) {
        String place =
                to instanceof RegistryTarget target ? target.client().endpoint().registry() + "/" : to.name() + ":";
        return new ReplicationRule(
                "copy to " + place + written + ":" + tag,
                from,
                List.of(NamePattern.parse(read.value())),
                TagSelectionConfig.ALL,
                List.of(new ReplicationRule.Placement(
                        to, any -> written, TargetConfig.DEFAULT_MAX_CONCURRENT_REQUESTS)),
                List.of(),
                OnSparseRefused.FAIL,
                ReferrersConfig.ALL,
                OnConflict.OVERWRITE,
                List.of(),
                PruneConfig.OFF,
                LimitsConfig.NONE,
                Verify.HEAD);
    }
}
