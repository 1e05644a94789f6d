package dev.entrepot.proxy.http;

import dev.entrepot.oci.InvalidNameException;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.proxy.http.RegistryRequest.Catalog;
import io.helidon.http.Header;
import io.helidon.http.Status;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The repositories of configured upstreams of which something is kept. Where the request names one registry, those of
 * that one, as it calls them; else all, each with its registry before it, which is a name that they can be pulled by.
 */
final class CatalogHandler {
    private static final int DEFAULT_PAGE = 1000;
    private static final int MAX_PAGE = 10_000;

    private CatalogHandler() {}

    static Reply handle(
            Catalog request,
            ServedRepositories repositories,
            UpstreamRouter router,
            String host,
            Predicate<Repository> allowed)
            throws IOException {
        RegistryHost only = router.registryOf(request.scope(), host).orElse(null);
        int limit = Math.min(request.page().limit().orElse(DEFAULT_PAGE), MAX_PAGE);
        List<Repository> found = new ArrayList<>();
        String last = request.page().last();
        Optional<Repository> after = after(last, only);
        boolean afterText = after.isEmpty() && !last.isEmpty();
        boolean end = false;
        while (!end && found.size() <= limit) {
            List<Repository> batch = repositories.kept(after, MAX_PAGE);
            for (Repository repository : batch) {
                boolean shown =
                        only == null ? router.serves(repository.registry()) : only.equals(repository.registry());
                boolean behind = !afterText || shownAs(repository, only).compareTo(last) > 0;
                if (shown && behind && found.size() <= limit && allowed.test(repository)) {
                    found.add(repository);
                }
            }
            end = batch.size() < MAX_PAGE || limit == 0;
            after = batch.isEmpty() ? after : Optional.of(batch.getLast());
        }
        boolean more = limit > 0 && found.size() > limit;
        List<String> names =
                found.stream().limit(limit).map(r -> shownAs(r, only)).toList();
        List<Header> headers = new ArrayList<>(3);
        headers.add(ReplyHeaders.JSON);
        headers.add(ReplyHeaders.NO_CACHE);
        if (more) {
            headers.add(
                    PageLinks.next(request.scope().urlPath() + "_catalog", request.scope(), limit, names.getLast()));
        }
        return Reply.of(Status.OK_200, headers, JsonDocuments.catalog(names), Optional.empty());
    }

    // Any text has a place in the list; of one that is no name that can be here, it is found by looking at all.
    private static Optional<Repository> after(String last, @Nullable RegistryHost only) {
        try {
            return last.isEmpty()
                    ? Optional.empty()
                    : Optional.of(
                            only == null ? Repository.parse(last) : new Repository(only, new RepositoryName(last)));
        } catch (InvalidNameException e) {
            return Optional.empty();
        }
    }

    private static String shownAs(Repository repository, @Nullable RegistryHost only) {
        return only == null ? repository.toString() : repository.name().value();
    }
}
