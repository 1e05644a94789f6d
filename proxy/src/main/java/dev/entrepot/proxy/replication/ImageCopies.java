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
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.client.RegistryClient;
import dev.entrepot.replicator.ReplicationRule;
import dev.entrepot.replicator.ReplicationRunner;
import dev.entrepot.replicator.SourceRegistry;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Finds out what a command to copy one image means. A registry that is configured, as an upstream or as the target of a rule, is reached as configured;
 * any other with the credentials that the user's docker {@code config.json} has for it. Safe for all threads.
 */
final class ImageCopies {
    private static final Tag LATEST = new Tag("latest");

    private final Registries registries;
    private final ReplicationTargets targets;
    private final ReplicationRunner runner;

    ImageCopies(Registries registries, ReplicationTargets targets, ReplicationRunner runner) {
        this.registries = registries;
        this.targets = targets;
        this.runner = runner;
    }

    /** As {@link Replication#copy}. */
    ImageCopy prepare(String sourceName, String targetName) throws BadRequestException, IOException {
        ImageName source = ImageName.parse(sourceName);
        ImageName target = ImageName.parse(targetName);
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
        List<RegistryClient> own = new ArrayList<>();
        try {
            RegistryClient from = client(source, registries.upstreamOf(source), own);
            RegistryClient to = client(target, targets.find(target).or(() -> registries.upstreamOf(target)), own);
            refuseTheSame(source, from, target, to);
            SourceRegistry registry =
                    new RegistrySource(from, own.contains(from) ? Optional.empty() : registries.cache());
            ReplicationRule rule = rule(registry, source, to, target, tag);
            return new ImageCopy(runner, rule, source.repository(), reference, tag, own);
        } catch (BadRequestException | IOException | RuntimeException e) {
            own.forEach(RegistryClient::close);
            throw e;
        }
    }

    private RegistryClient client(ImageName image, Optional<RegistryClient> known, List<RegistryClient> own)
            throws IOException, BadRequestException {
        if (known.isPresent()) {
            return known.get();
        }
        RegistryClient client = registries.connect(image);
        own.add(client);
        return client;
    }

    private static void refuseTheSame(ImageName source, RegistryClient from, ImageName target, RegistryClient to)
            throws BadRequestException {
        boolean sameRegistry =
                Endpoints.same(from.endpoint().baseUrl(), to.endpoint().baseUrl());
        if (sameRegistry && source.repository().equals(target.repository())) {
            throw new BadRequestException(
                    "source and target are the same repository; name another repository or registry as the target");
        }
    }

    // The name cannot be that of a configured rule, and is another one for each target, so that only the same copy
    // counts
    // as running.
    private static ReplicationRule rule(
            SourceRegistry registry, ImageName source, RegistryClient to, ImageName target, Tag tag) {
        String name = "copy to " + to.endpoint().registry() + "/" + target.repository() + ":" + tag;
        return new ReplicationRule(
                name,
                registry,
                List.of(NamePattern.parse(source.repository().value())),
                TagSelectionConfig.ALL,
                List.of(new ReplicationRule.Placement(
                        new RegistryTarget(ReplicationTargets.name(to), to),
                        any -> target.repository(),
                        TargetConfig.DEFAULT_MAX_CONCURRENT_REQUESTS)),
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
