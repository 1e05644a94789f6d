package dev.entrepot.oci.client;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.Tag;
import java.net.URI;
import java.util.Map;

/**
 * Makes the requests that concern one repository: their URLs, their scopes and how messages name them.
 *
 * @param base where the registry's API is
 * @param repository the repository
 * @param priority how urgent the requests are
 * @param headers of each request that reads
 */
record RepositoryRequests(URI base, Repository repository, Priority priority, Map<String, String> headers) {
    RepositoryRequests(URI base, Repository repository, Priority priority) {
        this(base, repository, priority, Map.of());
    }

    /** The same with these headers. */
    RepositoryRequests with(Map<String, String> more) {
        return new RepositoryRequests(base, repository, priority, Map.copyOf(more));
    }

    /** A request that reads, of {@code path} below the repository. */
    ApiRequest reading(Operation operation, String what, String method, String path) {
        ApiRequest request = ApiRequest.of(operation, what, method, url(path), priority)
                .withAccess(repository, Scope.pull(repository.name()));
        for (Map.Entry<String, String> header : headers.entrySet()) {
            request = request.withHeader(header.getKey(), header.getValue());
        }
        return request;
    }

    /** A request that writes, sent once only. */
    ApiRequest writing(Operation operation, String what, String method, URI url) {
        return ApiRequest.of(operation, what, method, url, priority)
                .withAccess(repository, Scope.push(repository.name()))
                .once();
    }

    /** The URL of {@code path} below the repository; the path may hold a query. */
    URI url(String path) {
        return URI.create(api(base) + repository.name() + "/" + path);
    }

    /** The URL of a path and query that the registry gave, at the registry's own address. */
    URI atOrigin(String pathAndQuery) {
        return atOrigin(base, pathAndQuery);
    }

    /**
     * The URL of a path and query at the address of {@code base}.
     *
     * @throws IllegalArgumentException if the text is no path
     */
    static URI atOrigin(URI base, String pathAndQuery) {
        if (!pathAndQuery.startsWith("/") || pathAndQuery.startsWith("//")) {
            throw new IllegalArgumentException("not the cursor of a page");
        }
        return URI.create(base.getScheme() + "://" + base.getRawAuthority() + pathAndQuery);
    }

    /** The base of all API URLs, with {@code /v2/} at its end. */
    static String api(URI base) {
        String text = base.toString();
        return (text.endsWith("/") ? text : text + "/") + "v2/";
    }

    /** How messages name a manifest. */
    String name(ManifestReference reference) {
        return switch (reference) {
            case Tag tag -> repository + ":" + tag;
            case Digest digest -> repository + "@" + digest;
        };
    }
}
