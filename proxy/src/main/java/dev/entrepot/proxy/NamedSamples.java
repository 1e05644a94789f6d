package dev.entrepot.proxy;

import dev.entrepot.cache.CacheRules;
import dev.entrepot.config.CacheRuleConfig;
import dev.entrepot.config.EntrepotConfig;
import dev.entrepot.config.NamePattern;
import dev.entrepot.config.ReplicationRuleConfig;
import dev.entrepot.config.UpstreamConfig;
import dev.entrepot.oci.InvalidNameException;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.client.Sample;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Something that an upstream should have, by which it can be asked what it can do before anything of it is kept: its
 * {@code probe}, what the configuration names of it besides without a wildcard, or, of Docker Hub, an image that
 * everybody may pull.
 */
final class NamedSamples {
    private static final Tag USUAL = new Tag("latest");
    private static final RepositoryName OF_DOCKER_HUB = new RepositoryName("library/alpine");

    private final EntrepotConfig config;
    private final CacheRules rules;

    NamedSamples(EntrepotConfig config, CacheRules rules) {
        this.config = config;
        this.rules = rules;
    }

    /** A tag of the first such repository; empty if there is none, or if the upstream is not asked without a client. */
    Optional<Sample> of(RegistryHost upstream) {
        UpstreamConfig settings = Objects.requireNonNull(config.upstreams().get(upstream));
        if (settings.passThrough().isPresent()) {
            return Optional.empty();
        }
        Stream<Sample> named =
                settings.probe().stream().map(probe -> new Sample(probe.repository(), probe.tag(), Optional.empty()));
        Stream<Sample> copied = config.replication().rules().stream()
                .filter(rule -> rule.source().equals(upstream))
                .flatMap(rule -> samples(rule.repositories(), tag(rule)));
        Stream<Sample> cached = settings.rules().stream()
                .map(CacheRuleConfig::repositories)
                .flatMap(repositories -> samples(repositories, USUAL));
        Stream<Sample> known =
                upstream.isDockerHub() ? Stream.of(new Sample(OF_DOCKER_HUB, USUAL, Optional.empty())) : Stream.empty();
        return Stream.of(named, copied, cached, known)
                .flatMap(samples -> samples)
                .filter(sample ->
                        !rules.of(new Repository(upstream, sample.repository())).offline())
                .findFirst();
    }

    private static Stream<Sample> samples(List<NamePattern> repositories, Tag tag) {
        return exact(repositories).flatMap(name -> {
            try {
                return Stream.of(new Sample(new RepositoryName(name), tag, Optional.empty()));
            } catch (InvalidNameException e) {
                return Stream.empty();
            }
        });
    }

    private static Tag tag(ReplicationRuleConfig rule) {
        return exact(rule.tags().include())
                .findFirst()
                .flatMap(text -> {
                    try {
                        return Optional.of(new Tag(text));
                    } catch (InvalidNameException e) {
                        return Optional.empty();
                    }
                })
                .orElse(USUAL);
    }

    private static Stream<String> exact(List<NamePattern> patterns) {
        return patterns.stream()
                .filter(pattern -> pattern.kind() == NamePattern.Kind.EXACT)
                .map(NamePattern::text);
    }
}
