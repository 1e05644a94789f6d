package dev.entrepot.config;

import dev.entrepot.oci.Platform;
import java.util.List;
import java.util.Optional;

/** The keys of {@code pin:} and {@code prefetch:} of a rule about caching. */
final class RuleGraphKeys {
    private static final Key<GraphPartConfig, List<Platform>> PLATFORMS = Key.list(
            "platforms",
            ListType.notEmpty(Types.PLATFORM),
            GraphPartConfig::platforms,
            "These platforms of an index; without this key those of cache.platforms.");
    private static final Key<GraphPartConfig, Boolean> REFERRERS = Key.withDefault(
            "referrers",
            Types.BOOL,
            "true",
            GraphPartConfig::referrers,
            "Whether signatures, SBOMs and other referrers are meant too.");

    /** What is pinned. */
    static final ValueType<GraphPartConfig> PIN = type("pin");
    /** What is prefetched. */
    static final ValueType<GraphPartConfig> PREFETCH = type("prefetch");

    private RuleGraphKeys() {}

    private static ValueType<GraphPartConfig> type(String name) {
        return new EitherType<>(
                Types.BOOL,
                GraphPartConfig::all,
                part -> Optional.of(part.enabled()).filter(enabled -> part.equals(GraphPartConfig.all(enabled))),
                new Section<>(
                        name,
                        List.of(PLATFORMS, REFERRERS),
                        values -> new GraphPartConfig(true, values.get(PLATFORMS), values.get(REFERRERS))));
    }
}
