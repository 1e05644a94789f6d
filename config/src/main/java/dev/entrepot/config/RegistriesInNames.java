package dev.entrepot.config;

import dev.entrepot.oci.RegistryHost;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Looks for patterns of cache rules that begin with a configured upstream, as clients may call it:
 * {@code docker.io/library/*} for {@code library/*} of the upstream {@code docker.io}. They match nothing, so that a
 * rule that denies denies nothing, but where an upstream is a mirror of others and its repositories are called so.
 */
public final class RegistriesInNames {
    /** Names, hosts and aliases of upstreams, and what else Docker Hub is called. */
    private final Map<String, RegistryHost> upstreams = new HashMap<>();

    private final List<String> warnings = new ArrayList<>();

    private RegistriesInNames(EntrepotConfig config) {
        if (config.upstreams().containsKey(RegistryHost.DOCKER_HUB)) {
            RegistryHost.OTHER_NAMES_OF_DOCKER_HUB.forEach(
                    other -> upstreams.put(other.value(), RegistryHost.DOCKER_HUB));
        }
        config.upstreams().forEach((name, upstream) -> {
            upstream.hosts().forEach(host -> upstreams.put(host.value(), name));
            upstream.aliases().forEach(alias -> upstreams.put(alias, name));
        });
        config.upstreams().keySet().forEach(name -> upstreams.put(name.value(), name));
    }

    /** What to say of each that was found: where it is, what it matches, and what to write. */
    public static List<String> warnings(EntrepotConfig config) {
        RegistriesInNames names = new RegistriesInNames(config);
        config.upstreams().forEach((name, upstream) -> names.look("upstreams[" + name + "].rules", upstream.rules()));
        names.look("rules", config.rules());
        return List.copyOf(names.warnings);
    }

    private void look(String path, List<CacheRuleConfig> rules) {
        for (int i = 0; i < rules.size(); i++) {
            for (NamePattern pattern : rules.get(i).repositories()) {
                String rule = path + "[" + i + "]";
                upstream(pattern)
                        .ifPresent(upstream -> warnings.add(rule + ": " + pattern
                                + " matches only repositories that are called so at their upstream, as at a mirror of others;"
                                + " rules name repositories without the registry: for " + upstream + " write "
                                + withoutUpstream(upstream, pattern) + " in upstreams[" + upstream + "].rules"));
            }
        }
    }

    private Optional<RegistryHost> upstream(NamePattern pattern) {
        int slash =
                pattern.kind() == NamePattern.Kind.REGEX ? -1 : pattern.text().indexOf('/');
        return slash < 0
                ? Optional.empty()
                : Optional.ofNullable(upstreams.get(pattern.text().substring(0, slash)));
    }

    private static String withoutUpstream(RegistryHost upstream, NamePattern pattern) {
        return officialIfOne(upstream, pattern.text().substring(pattern.text().indexOf('/') + 1));
    }

    /** The pattern of a repository at an upstream, with what Docker Hub has before names of one component. */
    static String officialIfOne(RegistryHost upstream, String pattern) {
        boolean official = upstream.isDockerHub() && pattern.indexOf('/') < 0 && !pattern.contains("**");
        return official ? "library/" + pattern : pattern;
    }
}
