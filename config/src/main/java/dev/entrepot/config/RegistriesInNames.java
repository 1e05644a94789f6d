package dev.entrepot.config;

import dev.entrepot.oci.RegistryHost;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * Looks for patterns of cache rules that begin with a registry: {@code docker.io/library/*} for {@code library/*} of
 * the upstream {@code docker.io}. They match nothing, so that a rule that denies denies nothing, but where an upstream
 * is a mirror of others and its repositories are called so.
 */
public final class RegistriesInNames {
    private final Set<String> upstreams;
    private final List<String> warnings = new ArrayList<>();

    private RegistriesInNames(EntrepotConfig config) {
        this.upstreams =
                config.upstreams().keySet().stream().map(RegistryHost::value).collect(Collectors.toUnmodifiableSet());
    }

    /** What to say of each that was found: where it is, what it matches, and what to write. */
    public static List<String> warnings(EntrepotConfig config) {
        RegistriesInNames names = new RegistriesInNames(config);
        config.upstreams()
                .forEach((name, upstream) ->
                        names.look("upstreams[" + name + "].rules", upstream.rules(), name.value()::equals));
        names.look("rules", config.rules(), registry -> registry.contains(".") || names.upstreams.contains(registry));
        return List.copyOf(names.warnings);
    }

    private void look(String path, List<CacheRuleConfig> rules, Predicate<String> isRegistry) {
        for (int i = 0; i < rules.size(); i++) {
            for (NamePattern pattern : rules.get(i).repositories()) {
                String first = firstComponent(pattern);
                if (!first.isEmpty() && isRegistry.test(first)) {
                    warnings.add(path + "[" + i + "]: " + pattern
                            + " matches only repositories that are called so at their upstream, as at a mirror of others;"
                            + " rules name repositories without the registry: " + remedy(first, pattern));
                }
            }
        }
    }

    // Empty where there is only one, or where it stands for several.
    private static String firstComponent(NamePattern pattern) {
        String text = pattern.text();
        String first =
                pattern.kind() == NamePattern.Kind.REGEX ? "" : text.substring(0, Math.max(0, text.indexOf('/')));
        return first.indexOf('*') < 0 && first.indexOf('?') < 0 ? first : "";
    }

    private String remedy(String registry, NamePattern pattern) {
        return upstreams.contains(registry)
                ? "for " + registry + " write " + pattern.text().substring(registry.length() + 1) + " in upstreams["
                        + registry + "].rules"
                : "no upstream is called " + registry;
    }
}
