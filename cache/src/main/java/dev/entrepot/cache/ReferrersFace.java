package dev.entrepot.cache;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Ticker;
import dev.entrepot.oci.RegistryException;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.Tag;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.regex.Pattern;

/**
 * Decides how a subject without referrers is shown where the upstream lacks the referrers API. Clients find out once
 * per repository whether there is an API and take the other answer for an error later (oras), so a repository must keep
 * one face: if any of its subjects has a fallback tag, that tag's content is served as the API, and a subject without a
 * tag has an empty list; if none has, there is no API, and clients look for the tag themselves. Thread-safe.
 */
final class ReferrersFace {
    /** Lists the tags of the repository. */
    interface Tags {
        List<Tag> list() throws IOException;
    }

    private static final Pattern FALLBACK = Pattern.compile("[a-z0-9]{1,32}-[0-9a-f]{64}");
    private static final Duration REMEMBERED = Duration.ofMinutes(10);
    private static final int REPOSITORIES = 50_000;

    private final Cache<Repository, Boolean> hasFallbackTags;

    ReferrersFace(Ticker ticker) {
        this.hasFallbackTags = Caffeine.newBuilder()
                .maximumSize(REPOSITORIES)
                .expireAfterWrite(REMEMBERED)
                .ticker(ticker)
                .executor(Runnable::run)
                .build();
    }

    /** A fallback tag of this repository was found. */
    void sawFallbackTag(Repository repository) {
        hasFallbackTags.put(repository, true);
    }

    /** Whether a subject of this repository that has no fallback tag is to be shown with an empty list. */
    boolean showsEmptyLists(Repository repository, Tags tags) throws IOException {
        Boolean known = hasFallbackTags.getIfPresent(repository);
        if (known != null) {
            return known;
        }
        boolean found;
        try {
            found = tags.list().stream()
                    .anyMatch(tag -> FALLBACK.matcher(tag.value()).matches());
        } catch (RegistryException e) {
            return false;
        }
        hasFallbackTags.put(repository, found);
        return found;
    }
}
