package dev.entrepot.proxy.rules;

import dev.entrepot.cache.CacheRules;
import dev.entrepot.cache.CacheSettings;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.Tag;
import java.util.Optional;

/** The rules in effect, which may be replaced at any time, all at once. Safe for all threads. */
public final class LiveRules implements CacheRules {
    private volatile RuleSet current;
    private volatile Runnable listener = () -> {};

    /** Begins with these. */
    public LiveRules(RuleSet first) {
        this.current = first;
    }

    /** From the next question on, these are in effect. */
    public void replace(RuleSet next) {
        current = next;
        listener.run();
    }

    /** Has one other called each time that others have come into effect, on the thread that replaced them. */
    public void whenReplaced(Runnable newListener) {
        listener = newListener;
    }

    /** Those in effect now. */
    public RuleSet current() {
        return current;
    }

    @Override
    public CacheSettings of(Repository repository) {
        return current.of(repository);
    }

    @Override
    public CacheSettings of(Repository repository, Tag tag) {
        return current.of(repository, tag);
    }

    @Override
    public Optional<String> offlineBy(RegistryHost registry) {
        return current.offlineBy(registry);
    }
}
