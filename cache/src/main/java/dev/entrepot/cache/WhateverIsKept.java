package dev.entrepot.cache;

import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.Tag;
import java.util.Optional;

/**
 * Rules for a reader that takes whatever is kept, however old.
 *
 * @param rules what may be served at all
 */
record WhateverIsKept(CacheRules rules) implements CacheRules {
    @Override
    public CacheSettings of(Repository repository) {
        return rules.of(repository).whateverIsKept();
    }

    @Override
    public CacheSettings of(Repository repository, Tag tag) {
        return rules.of(repository, tag).whateverIsKept();
    }

    @Override
    public Optional<String> offlineBy(RegistryHost registry) {
        return rules.offlineBy(registry);
    }
}
