package dev.entrepot.oci.testing;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestReference;
import java.util.function.Predicate;

/** Predicates on requests, to be combined with {@code and}, {@code or} and {@code negate}. */
public final class Requests {
    private Requests() {}

    /** All requests. */
    public static Predicate<Request> any() {
        return request -> true;
    }

    /** Requests of a method. */
    public static Predicate<Request> method(String method) {
        return request -> request.method().equals(method);
    }

    /** GET requests. */
    public static Predicate<Request> get() {
        return method("GET");
    }

    /** HEAD requests. */
    public static Predicate<Request> head() {
        return method("HEAD");
    }

    /** Requests whose path contains the text. */
    public static Predicate<Request> path(String part) {
        return request -> request.path().contains(part);
    }

    /** Requests for the blob or manifest of that digest. */
    public static Predicate<Request> of(Digest digest) {
        return path("blobs/" + digest).or(path("manifests/" + digest));
    }

    /** Requests for any blob, not uploads. */
    public static Predicate<Request> blobs() {
        return path("/blobs/").and(uploads().negate());
    }

    /** Requests for one blob. */
    public static Predicate<Request> blob(Digest digest) {
        return path("/blobs/" + digest);
    }

    /** Requests of upload sessions. */
    public static Predicate<Request> uploads() {
        return path("/blobs/uploads/");
    }

    /** Requests for any manifest. */
    public static Predicate<Request> manifests() {
        return path("/manifests/");
    }

    /** Requests for one manifest, by tag or digest. */
    public static Predicate<Request> manifest(ManifestReference reference) {
        return request -> request.path().endsWith("/manifests/" + reference);
    }

    /** Requests of the referrers API. */
    public static Predicate<Request> referrers() {
        return path("/referrers/");
    }

    /** Requests for tag lists. */
    public static Predicate<Request> tags() {
        return path("/tags/list");
    }

    /** Requests for tokens. */
    public static Predicate<Request> tokens() {
        return request -> request.path().equals(TokenService.PATH);
    }

    /** Requests with a header. */
    public static Predicate<Request> withHeader(String name) {
        return request -> request.headers().has(name);
    }

    /** Requests of a repository. */
    public static Predicate<Request> repository(String name) {
        return request -> request.path().startsWith("/v2/" + name + "/");
    }
}
