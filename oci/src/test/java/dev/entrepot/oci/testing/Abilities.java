package dev.entrepot.oci.testing;

import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/**
 * What a {@link TestRegistry} can do. Immutable.
 *
 * @param features what it can do at all
 * @param referrersPage most referrers in one page
 * @param listPage most tags or repositories in one page, whatever was asked for
 * @param maxManifestBytes largest manifest it accepts, in bytes
 */
public record Abilities(Set<Feature> features, int referrersPage, int listPage, int maxManifestBytes) {
    /** A good registry of the specification's version 1.1. */
    public static final Abilities DEFAULT = new Abilities(
            EnumSet.complementOf(EnumSet.of(
                    Feature.SPARSE_INDEXES,
                    Feature.MISSING_BLOBS,
                    Feature.IF_MATCH,
                    Feature.TAG_PARAMETER,
                    Feature.STRICT_ACCEPT,
                    Feature.SINGLE_POST,
                    Feature.ABSOLUTE_LOCATIONS)),
            Integer.MAX_VALUE,
            Integer.MAX_VALUE,
            4 * 1024 * 1024);

    /** A registry of version 1.0: no referrers API, and no notion of subjects. */
    public static final Abilities WITHOUT_REFERRERS =
            DEFAULT.without(Feature.REFERRERS_API, Feature.REFERRERS_LISTED, Feature.SUBJECT_HEADER);

    /** A registry that says that it keeps track of subjects, and then lists none. */
    public static final Abilities PRETENDS_REFERRERS = DEFAULT.without(Feature.REFERRERS_LISTED);

    /** Copies the set. */
    public Abilities {
        features = Set.copyOf(features);
    }

    /** Whether it can do this. */
    public boolean has(Feature feature) {
        return features.contains(feature);
    }

    /** These and more. */
    public Abilities with(Feature... more) {
        EnumSet<Feature> set = EnumSet.copyOf(features);
        set.addAll(List.of(more));
        return new Abilities(set, referrersPage, listPage, maxManifestBytes);
    }

    /** These without some. */
    public Abilities without(Feature... fewer) {
        EnumSet<Feature> set = EnumSet.copyOf(features);
        List.of(fewer).forEach(set::remove);
        return new Abilities(set, referrersPage, listPage, maxManifestBytes);
    }

    /** These with so many referrers in a page. */
    public Abilities withReferrersPage(int size) {
        return new Abilities(features, size, listPage, maxManifestBytes);
    }

    /** These with so many tags or repositories in a page. */
    public Abilities withListPage(int size) {
        return new Abilities(features, referrersPage, size, maxManifestBytes);
    }

    /** These with another largest manifest, in bytes. */
    public Abilities withMaxManifestBytes(int bytes) {
        return new Abilities(features, referrersPage, listPage, bytes);
    }
}
