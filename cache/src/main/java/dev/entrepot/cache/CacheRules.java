package dev.entrepot.cache;

import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.Tag;
import java.util.Optional;

/**
 * Where the settings come from. Asked with every request, so that answers must be at hand; they may differ from one
 * moment to the next. Safe for all threads.
 */
public interface CacheRules {
    /** The settings for what has no tag: digests, blobs, the tag list, referrers. */
    CacheSettings of(Repository repository);

    /** The settings for a tag. */
    CacheSettings of(Repository repository, Tag tag);

    /** The rule that keeps a whole registry offline, with all its repositories; empty if none does. */
    Optional<String> offlineBy(RegistryHost registry);

    /** The same settings for everything. */
    static CacheRules always(CacheSettings settings) {
        return new CacheRules() {
            @Override
            public CacheSettings of(Repository repository) {
                return settings;
            }

            @Override
            public CacheSettings of(Repository repository, Tag tag) {
                return settings;
            }

            @Override
            public Optional<String> offlineBy(RegistryHost registry) {
                return settings.offline() ? Optional.of(settings.rule(Setting.OFFLINE)) : Optional.empty();
            }
        };
    }
}
