package dev.entrepot.proxy.http;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidNameException;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.Tag;
import dev.entrepot.proxy.http.RegistryRequest.BlobRequest;
import dev.entrepot.proxy.http.RegistryRequest.Catalog;
import dev.entrepot.proxy.http.RegistryRequest.Elsewhere;
import dev.entrepot.proxy.http.RegistryRequest.ManifestRequest;
import dev.entrepot.proxy.http.RegistryRequest.Ping;
import dev.entrepot.proxy.http.RegistryRequest.Push;
import dev.entrepot.proxy.http.RegistryRequest.ReferrersRequest;
import dev.entrepot.proxy.http.RegistryRequest.TagsRequest;
import java.util.Optional;

/**
 * Reads paths from the right, because a repository may be called {@code blobs} or {@code manifests}: the last
 * components say which endpoint it is, and all before them is the name. Works on the raw path: what is percent-encoded
 * (but for colons), empty or {@code ..} never fits the grammar of a name, so that no two spellings mean the same thing.
 * Runs on every request; no regular expressions.
 */
final class RegistryRequestParser {
    private static final String VERSION = "/v2/";
    private static final String UPLOADS = "/blobs/uploads";

    private RegistryRequestParser() {}

    static RegistryRequest parse(String method, String path, String rawQuery) {
        String rawPath = withColons(path);
        int version = versionSegment(rawPath);
        if (version < 0) {
            return new Elsewhere();
        }
        String rest =
                version + VERSION.length() <= rawPath.length() ? rawPath.substring(version + VERSION.length()) : "";
        boolean read = method.equals("GET") || method.equals("HEAD");
        if (!read) {
            return push(rawPath, version, rest, rawQuery);
        }
        QueryParameters query = QueryParameters.parse(rawQuery);
        RequestScope scope = scope(rawPath, version, query.first("ns"));
        if (rest.isEmpty()) {
            return new Ping(scope);
        }
        if (rest.equals("_catalog")) {
            return new Catalog(scope, PageRequest.of(query));
        }
        return endpoint(scope, rest, query);
    }

    // The colon of a digest or of a host and its port may be escaped, as some URL libraries do. Nothing else may.
    private static String withColons(String path) {
        return path.indexOf('%') < 0 ? path : path.replace("%3A", ":").replace("%3a", ":");
    }

    /** Where {@code /v2/} begins, or a {@code /v2} at the end: 0 unless there is a prefix; -1 if there is none. */
    private static int versionSegment(String path) {
        if (path.startsWith(VERSION)) {
            return 0;
        }
        int index = path.indexOf(VERSION, 1);
        return index >= 0 ? index : path.endsWith("/v2") ? path.length() - 3 : -1;
    }

    private static RequestScope scope(String rawPath, int version, String namespace) {
        if (version == 0) {
            return namespace.isEmpty() ? RequestScope.NONE : new RequestScope("", namespace);
        }
        String prefix = rawPath.substring(1, version);
        if (prefix.indexOf('/') < 0 && prefix.indexOf(':') >= 0) {
            RegistryHost.parse(prefix);
            return new RequestScope(prefix, namespace);
        }
        return new RequestScope(new RequestedName(RequestScope.NONE, prefix).path(), namespace);
    }

    private static RegistryRequest endpoint(RequestScope scope, String rest, QueryParameters query) {
        int last = rest.lastIndexOf('/');
        int previous = last < 0 ? -1 : rest.lastIndexOf('/', last - 1);
        if (previous < 0) {
            return new Elsewhere();
        }
        String path = rest.substring(0, previous);
        String argument = rest.substring(last + 1);
        return switch (rest.substring(previous + 1, last)) {
            case "manifests" -> new ManifestRequest(new RequestedName(scope, path), reference(argument));
            case "blobs" ->
                argument.equals("uploads")
                        ? new Push(Optional.of(new RequestedName(scope, path)), false)
                        : new BlobRequest(new RequestedName(scope, path), Digest.parse(argument));
            case "referrers" ->
                new ReferrersRequest(
                        new RequestedName(scope, path),
                        Digest.parse(argument),
                        query.mediaTypes("artifactType"),
                        Optional.of(query.first("last"))
                                .filter(t -> !t.isEmpty())
                                .map(Digest::parse));
            case "tags" ->
                argument.equals("list")
                        ? new TagsRequest(new RequestedName(scope, path), PageRequest.of(query))
                        : new Elsewhere();
            case "uploads" ->
                path.endsWith("/blobs")
                        ? new Push(Optional.of(new RequestedName(scope, path.substring(0, path.length() - 6))), false)
                        : new Elsewhere();
            default -> new Elsewhere();
        };
    }

    private static ManifestReference reference(String text) {
        return text.indexOf(':') >= 0 ? Digest.parse(text) : new Tag(text);
    }

    /** A push never fails to parse: it is refused in any case, and the name only makes the message better. */
    private static Push push(String rawPath, int version, String rest, String rawQuery) {
        try {
            RequestScope scope =
                    scope(rawPath, version, QueryParameters.parse(rawQuery).first("ns"));
            int end = endOfName(rest);
            return new Push(
                    end < 0 ? Optional.empty() : Optional.of(new RequestedName(scope, rest.substring(0, end))),
                    !isUpload(rest));
        } catch (InvalidNameException e) {
            return new Push(Optional.empty(), !isUpload(rest));
        }
    }

    // A repository may be called so: then there is more than a session behind it.
    private static boolean isUpload(String rest) {
        int uploads = rest.lastIndexOf(UPLOADS);
        String session = uploads < 0 ? "" : rest.substring(uploads + UPLOADS.length());
        return uploads >= 0 && (session.isEmpty() || session.lastIndexOf('/') == 0);
    }

    private static int endOfName(String rest) {
        int uploads = rest.lastIndexOf(UPLOADS);
        return uploads >= 0 ? uploads : Math.max(rest.lastIndexOf("/manifests/"), rest.lastIndexOf("/blobs/"));
    }
}
