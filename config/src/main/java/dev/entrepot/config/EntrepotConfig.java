package dev.entrepot.config;

import dev.entrepot.oci.RegistryHost;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The whole configuration.
 *
 * @param server how clients reach this process
 * @param cache what is kept
 * @param defaultUpstream where requests go that name no upstream; without it they are refused
 * @param upstreams the registries that content is fetched from, by name, in the order of the file after the built-in
 *     ones
 * @param rules how what comes from any upstream is cached, behind the rules of the upstream
 * @param access who may pull what; the first rule that fits decides
 * @param replication what is copied to other registries
 * @param tracing where traces are sent; none are made without
 */
public record EntrepotConfig(
        ServerConfig server,
        CacheConfig cache,
        Optional<RegistryHost> defaultUpstream,
        Map<RegistryHost, UpstreamConfig> upstreams,
        List<CacheRuleConfig> rules,
        List<AccessRuleConfig> access,
        ReplicationConfig replication,
        Optional<TracingConfig> tracing) {
    /** Copies the map and validates that the default upstream is one of it. */
    public EntrepotConfig {
        rules = List.copyOf(rules);
        access = List.copyOf(access);
        upstreams = Collections.unmodifiableMap(new LinkedHashMap<>(upstreams));
        if (defaultUpstream.isPresent() && !upstreams.containsKey(defaultUpstream.get())) {
            throw new InvalidValueException("default-upstream", "the name of an upstream, or none");
        }
    }

    /** The configuration without any file, with {@code ./data} as the folder of the store. */
    public static EntrepotConfig defaults() {
        Reading reading = new Reading(ConfigLoader.DEFAULT_FILE, Path.of(""), Map.of());
        return RootKeys.SECTION
                .read(ConfigNode.root(reading, Optional.empty()))
                .orElseThrow(() -> new IllegalStateException("the defaults contradict each other"));
    }
}
