package dev.entrepot.replicator.graph;

import dev.entrepot.config.NamePattern;
import dev.entrepot.config.ReferrersConfig;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;

/**
 * Which referrers travel, by artifact type. A referrer goes by its artifact type and by the media types of its blobs;
 * what is behind one of cosign's tags also by {@code cosign.sig}, {@code cosign.att} or {@code cosign.sbom}.
 */
public final class ReferrerFilter {
    /** All referrers travel. */
    public static final ReferrerFilter ALL = new ReferrerFilter(List.of(), List.of());

    private final List<Predicate<String>> only;
    private final List<Predicate<String>> except;
    private final List<Predicate<String>> required;

    /**
     * A filter that requires nothing.
     *
     * @param only if not empty, only referrers of these types travel
     * @param except referrers of these types do not travel
     */
    public ReferrerFilter(List<NamePattern> only, List<NamePattern> except) {
        this(only, except, List.of());
    }

    private ReferrerFilter(List<NamePattern> only, List<NamePattern> except, List<NamePattern> required) {
        this.only = only.stream().map(NamePattern::matcher).toList();
        this.except = except.stream().map(NamePattern::matcher).toList();
        this.required = required.stream().map(NamePattern::matcher).toList();
    }

    /** The filter of a rule. What the rule requires travels; whether it is there is not the filter's business. */
    public static ReferrerFilter of(ReferrersConfig config) {
        return new ReferrerFilter(config.only(), config.except(), config.require());
    }

    /** Whether a referrer that goes by these types travels. */
    public boolean allows(Set<String> types) {
        return matches(required, types) || (only.isEmpty() || matches(only, types)) && !matches(except, types);
    }

    /** Whether every referrer travels. */
    boolean allowsAll() {
        return only.isEmpty() && except.isEmpty();
    }

    private static boolean matches(List<Predicate<String>> patterns, Set<String> types) {
        return patterns.stream().anyMatch(pattern -> types.stream().anyMatch(pattern));
    }
}
