package dev.entrepot.proxy.page;

import dev.entrepot.cache.CacheIndex;
import dev.entrepot.oci.Repository;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.LongSupplier;

/**
 * The names of all repositories, read from the index at most every few seconds, so that lists and searches go over
 * memory. Safe for all threads.
 */
final class RepositoryNames {
    /** The most names that are held. */
    static final int MOST = 200_000;

    private static final int READ_AT_ONCE = 5000;
    private static final Duration GOOD_FOR = Duration.ofSeconds(3);

    private final CacheIndex index;
    private final LongSupplier nanoClock;
    private Names names = new Names(List.of(), true);
    private Optional<Long> readAt = Optional.empty();

    /**
     * A repository with its whole name.
     *
     * @param text {@code host/name}
     */
    record Name(Repository repository, String text) {}

    /**
     * All names, in order.
     *
     * @param complete whether there are no more
     */
    record Names(List<Name> list, boolean complete) {
        /** Those that contain a text, whatever the case. */
        List<Name> containing(String text) {
            String wanted = text.toLowerCase(Locale.ROOT).strip();
            return wanted.isEmpty()
                    ? list
                    : list.stream().filter(name -> name.text().contains(wanted)).toList();
        }
    }

    RepositoryNames(CacheIndex index, LongSupplier nanoClock) {
        this.index = index;
        this.nanoClock = nanoClock;
    }

    /** The names, at most three seconds old. */
    synchronized Names all() throws IOException {
        long now = nanoClock.getAsLong();
        if (readAt.isEmpty() || now - readAt.get() > GOOD_FOR.toNanos()) {
            names = read();
            readAt = Optional.of(now);
        }
        return names;
    }

    private Names read() throws IOException {
        List<Name> list = new ArrayList<>();
        Optional<Repository> after = Optional.empty();
        while (list.size() < MOST) {
            List<Repository> page = index.links().repositories(after, READ_AT_ONCE);
            page.forEach(repository -> list.add(new Name(repository, repository.toString())));
            if (page.size() < READ_AT_ONCE) {
                return new Names(List.copyOf(list), true);
            }
            after = Optional.of(page.getLast());
        }
        return new Names(List.copyOf(list), false);
    }
}
