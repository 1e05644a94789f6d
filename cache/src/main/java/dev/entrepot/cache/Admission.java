package dev.entrepot.cache;

import dev.entrepot.cache.Judgement.Window;
import dev.entrepot.oci.BlockedException;
import dev.entrepot.oci.RegistryException;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.Tag;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * What the rules let the readers of one repository have: the settings of the repository or of a tag, what is denied,
 * and what of the settings is for clients alone. Rules may change between two requests. Thread-safe.
 */
final class Admission {
    private final Repository repository;
    private final CacheRules rules;
    private final Readers readers;
    private final RuleCounters counters;

    Admission(Repository repository, CacheRules rules, Readers readers, RuleCounters counters) {
        this.repository = repository;
        this.rules = rules;
        this.readers = readers;
        this.counters = counters;
    }

    /** Which repository is read. */
    Repository repository() {
        return repository;
    }

    /** Who reads it. */
    Readers readers() {
        return readers;
    }

    /** What rules say of what has no tag. */
    CacheSettings settings() {
        CacheSettings settings = rules.of(repository);
        return readers.alwaysAsking() ? settings.alwaysAsking() : settings;
    }

    /** What rules say of a tag. */
    CacheSettings settings(Tag tag) {
        CacheSettings settings = rules.of(repository, tag);
        return readers.alwaysAsking() ? settings.alwaysAsking() : settings;
    }

    /** Whether a tag is offline. */
    boolean isOffline(Tag tag) {
        return rules.of(repository, tag).offline();
    }

    /**
     * The settings for what has no tag.
     *
     * @throws BlockedException if they deny it
     */
    CacheSettings admitted() throws BlockedException {
        CacheSettings settings = settings();
        refuseDenied(settings, "");
        return settings;
    }

    /**
     * The settings of a tag.
     *
     * @throws BlockedException if they deny it
     */
    CacheSettings admitted(Tag tag) throws BlockedException {
        CacheSettings settings = settings(tag);
        refuseDenied(settings, "tag " + tag + " of ");
        return settings;
    }

    private void refuseDenied(CacheSettings settings, String what) throws BlockedException {
        Optional<BlockedException> denial = denial(repository, settings, what);
        if (denial.isPresent()) {
            counters.count(RuleEvent.DENIED);
            throw denial.get();
        }
    }

    /** Why nothing is served, if nothing is. */
    static Optional<BlockedException> denial(Repository repository, CacheSettings settings, String what) {
        return settings.denied()
                .map(reason -> new BlockedException(
                        BlockedException.Kind.DENIED,
                        what + repository + " is denied by " + settings.rule(Setting.DENY) + ": " + reason));
    }

    /** Lets go of what is kept because the upstream denies it, where these readers may have that done. */
    Consumer<RegistryException> forgetting(Runnable forget) {
        // What an upstream denies to replication, or to the completing of pins, is not taken from clients: their
        // rules may allow it. And what it denies to one credential it may give to another, also by a 404.
        return denial -> {
            if (!readers.alwaysAsking() && readers.credential().isEmpty()) {
                forget.run();
            }
        };
    }

    /** When the upstream is asked about something, given when it is for clients. */
    Window window(Window ofClients) {
        return readers.alwaysAsking() ? Window.ALWAYS_ASK : ofClients;
    }
}
