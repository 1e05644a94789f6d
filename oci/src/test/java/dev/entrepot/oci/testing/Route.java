package dev.entrepot.oci.testing;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.RepositoryName;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What a path of the registry API means. Names contain slashes, so paths are split at the last keyword. */
sealed interface Route {
    /** {@code /v2/}. */
    record Ping() implements Route {}

    /** {@code /v2/_catalog}. */
    record Catalog() implements Route {}

    /** A manifest. */
    record ManifestRoute(RepositoryName name, ManifestReference reference) implements Route {}

    /** A blob. */
    record BlobRoute(RepositoryName name, Digest digest) implements Route {}

    /** An upload session, or, with an empty id, the place where they begin. */
    record UploadRoute(RepositoryName name, String id) implements Route {}

    /** The tag list. */
    record TagsRoute(RepositoryName name) implements Route {}

    /** The referrers of a digest. */
    record ReferrersRoute(RepositoryName name, Digest subject) implements Route {}

    Pattern REPOSITORY = Pattern.compile(
            "/v2/(.+)/(blobs/uploads/?|blobs/uploads/[^/]+|blobs/[^/]+|manifests/[^/]+|tags/list|referrers/[^/]+)");

    /**
     * Reads a path.
     *
     * @return empty if it is none of the API
     * @throws dev.entrepot.oci.InvalidNameException if the name, digest or tag is malformed
     */
    static Optional<Route> parse(String path) {
        if (path.equals("/v2") || path.equals("/v2/")) {
            return Optional.of(new Ping());
        }
        if (path.equals("/v2/_catalog")) {
            return Optional.of(new Catalog());
        }
        Matcher matcher = REPOSITORY.matcher(path);
        return matcher.matches() ? Optional.of(of(matcher.group(1), matcher.group(2))) : Optional.empty();
    }

    private static Route of(String text, String rest) {
        RepositoryName name = new RepositoryName(text);
        if (rest.startsWith("blobs/uploads")) {
            return new UploadRoute(name, rest.replaceFirst("blobs/uploads/?", ""));
        }
        if (rest.equals("tags/list")) {
            return new TagsRoute(name);
        }
        String last = rest.substring(rest.indexOf('/') + 1);
        if (rest.startsWith("blobs/")) {
            return new BlobRoute(name, Digest.parse(last));
        }
        return rest.startsWith("manifests/")
                ? new ManifestRoute(name, ManifestReference.parse(last))
                : new ReferrersRoute(name, Digest.parse(last));
    }

    /** What a client needs to be allowed for a request of that method. */
    default Scope needs(String method) {
        return switch (this) {
            case Ping _ -> Scope.of("registry", "ping");
            case Catalog _ -> Scope.of("registry", "catalog", "*");
            case ManifestRoute route -> repository(route.name(), method);
            case BlobRoute route -> repository(route.name(), method);
            case UploadRoute route -> Scope.of("repository", route.name().value(), "pull", "push");
            case TagsRoute route -> repository(route.name(), method);
            case ReferrersRoute route -> repository(route.name(), method);
        };
    }

    private static Scope repository(RepositoryName name, String method) {
        return switch (method) {
            case "GET", "HEAD" -> Scope.of("repository", name.value(), "pull");
            case "DELETE" -> Scope.of("repository", name.value(), "delete");
            default -> Scope.of("repository", name.value(), "pull", "push");
        };
    }
}
