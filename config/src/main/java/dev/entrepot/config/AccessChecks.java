package dev.entrepot.config;

import dev.entrepot.oci.RegistryHost;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Looks for rules of access that can be about nobody or about no repository: those that name users where nobody can say
 * who he is, and patterns that begin with no upstream's name, as those of cache rules do. Such a rule denies nothing.
 */
public final class AccessChecks {
    private static final String NOBODY = "nobody can say who he is; add server.authentication or server.tls.client-ca";

    private final EntrepotConfig config;
    private final List<String> names;
    /** Hosts, aliases and what else Docker Hub is called, which requests may have, and rules may not. */
    private final Map<String, RegistryHost> otherNames = new HashMap<>();

    private final List<String> warnings = new ArrayList<>();

    private AccessChecks(EntrepotConfig config) {
        this.config = config;
        this.names =
                config.upstreams().keySet().stream().map(RegistryHost::value).toList();
        if (config.upstreams().containsKey(RegistryHost.DOCKER_HUB)) {
            RegistryHost.OTHER_NAMES_OF_DOCKER_HUB.forEach(
                    other -> otherNames.put(other.value(), RegistryHost.DOCKER_HUB));
        }
        config.upstreams().forEach((name, upstream) -> {
            upstream.hosts().forEach(host -> otherNames.put(host.value(), name));
            upstream.aliases().forEach(alias -> otherNames.put(alias, name));
        });
    }

    /** What to say of each that was found: where it is, what is wrong with it, and what to write. */
    public static List<String> warnings(EntrepotConfig config) {
        AccessChecks checks = new AccessChecks(config);
        for (int i = 0; i < config.access().size(); i++) {
            checks.look("access[" + i + "]", config.access().get(i));
        }
        return List.copyOf(checks.warnings);
    }

    /** Records that nobody may pull anything, where every rule is about users only and there can be none. */
    static void refuseUsersOnly(List<AccessRuleConfig> access, ServerConfig server, Reading reading) {
        // In place of a section with an error its defaults are here, which have no users.
        boolean supposed = reading.errors().stream()
                .anyMatch(error -> error.path().equals("server") || error.path().startsWith("server."));
        if (!access.isEmpty()
                && !supposed
                && !server.knowsClients()
                && access.stream().noneMatch(AccessRuleConfig::anonymous)) {
            reading.conflict(
                    "access[0]",
                    "every pull would be refused, because all rules are about users and " + NOBODY
                            + ", or a rule with anonymous: true, with deny if that is what is meant");
        }
    }

    private void look(String path, AccessRuleConfig rule) {
        if (!config.server().knowsClients()
                && !(rule.users().isEmpty() && rule.groups().isEmpty())) {
            warnings.add(path + ": users and groups count for nothing, because " + NOBODY);
        }
        for (NamePattern pattern : rule.repositories()) {
            firstComponent(pattern)
                    .filter(first -> !names.contains(first))
                    .ifPresent(first -> warnings.add(path + ": " + pattern
                            + " matches nothing but where a bundle has such a registry, because no upstream is called "
                            + first + "; rules of access name repositories with the registry: "
                            + remedy(first, pattern.text())));
        }
    }

    // Without one that has a wildcard, which may be some upstream's.
    private static Optional<String> firstComponent(NamePattern pattern) {
        int slash =
                pattern.kind() == NamePattern.Kind.REGEX ? -1 : pattern.text().indexOf('/');
        return slash < 0
                ? Optional.empty()
                : Optional.of(pattern.text().substring(0, slash))
                        .filter(first -> first.indexOf('*') < 0 && first.indexOf('?') < 0);
    }

    private String remedy(String first, String pattern) {
        RegistryHost meant = otherNames.get(first);
        if (meant != null) {
            return "write " + below(meant, pattern.substring(first.length() + 1));
        }
        if (first.indexOf('.') < 0 && first.indexOf(':') < 0) {
            return "write "
                    + config.defaultUpstream()
                            .map(upstream -> below(upstream, pattern) + ", or ")
                            .orElse("")
                    + "*/" + pattern + " for all upstreams";
        }
        return Nearest.to(first, names)
                .map(nearest -> "did you mean " + nearest + "?")
                .orElse("add it to upstreams, or write the name that it has there");
    }

    private static String below(RegistryHost upstream, String pattern) {
        return upstream + "/" + RegistriesInNames.officialIfOne(upstream, pattern);
    }
}
