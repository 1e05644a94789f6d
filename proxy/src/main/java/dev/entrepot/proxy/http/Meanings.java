package dev.entrepot.proxy.http;

import dev.entrepot.oci.InvalidNameException;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.proxy.http.RegistryRequest.BlobRequest;
import dev.entrepot.proxy.http.RegistryRequest.ManifestRequest;
import dev.entrepot.proxy.http.RegistryRequest.ReferrersRequest;
import dev.entrepot.proxy.http.RegistryRequest.TagsRequest;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * What requests mean. The same text always means the same, so what was asked lately is not read and routed again. What
 * is refused is not kept, nor what is long; so at most {@link #PLACES} texts of {@link #LONGEST} characters are. Safe
 * for all threads, without locks.
 */
final class Meanings {
    /** How many are kept at most: a power of two. */
    static final int PLACES = 1024;
    /** The longest text that is kept, in characters: names and digests rarely take half of that. */
    static final int LONGEST = 512;

    /**
     * The part of a request that says what is asked for.
     *
     * @param path the path as it was sent
     * @param query the query as it was sent, without question mark; empty if there is none
     * @param authority the Host header as it was sent
     */
    record Words(String path, String query, String authority) {
        private boolean are(Words others) {
            return path.equals(others.path) && query.equals(others.query) && authority.equals(others.authority);
        }

        private int length() {
            return path.length() + query.length() + authority.length();
        }

        private int place() {
            int hash = (path.hashCode() * 31 + query.hashCode()) * 31 + authority.hashCode();
            return (hash ^ hash >>> 16) & PLACES - 1;
        }
    }

    /**
     * What a request means.
     *
     * @param words how it was put
     * @param target the path and the host that count
     * @param request what is asked for
     * @param route where it goes; null where no repository is named, or none that is served
     */
    record Meaning(
            Words words,
            RequestTarget target,
            RegistryRequest request,
            @Nullable Route route) {}

    private final UpstreamRouter router;
    // A text has one place, and whoever came last has it.
    private final AtomicReferenceArray<@Nullable Meaning> places = new AtomicReferenceArray<>(PLACES);

    /** None are known yet. */
    Meanings(UpstreamRouter router) {
        this.router = router;
    }

    /** What a GET or HEAD in these words meant lately; null if there was none, or it is no longer known. */
    @Nullable
    Meaning lately(Words words) {
        Meaning there = places.getAcquire(words.place());
        return there != null && there.words().are(words) ? there : null;
    }

    /**
     * Reads a request.
     *
     * @param method the method as it was sent
     * @param target what {@link RequestTarget#of} makes of the words
     * @throws InvalidNameException if the path has the shape of an endpoint but a name, tag or digest in it is
     *     malformed
     */
    Meaning read(String method, Words words, RequestTarget target) {
        RegistryRequest request = RegistryRequest.parse(method, target.path(), words.query());
        Meaning meaning = new Meaning(words, target, request, route(request, target.host()));
        // No push has a route here.
        if (meaning.route() != null && words.length() <= LONGEST) {
            places.setRelease(words.place(), meaning);
        }
        return meaning;
    }

    // Why it is not served is said to those only who may know it, later.
    private @Nullable Route route(RegistryRequest request, String host) {
        RequestedName name = switch (request) {
            case ManifestRequest r -> r.name();
            case BlobRequest r -> r.name();
            case TagsRequest r -> r.name();
            case ReferrersRequest r -> r.name();
            case RegistryRequest.Ping _,
                    RegistryRequest.Catalog _,
                    RegistryRequest.Push _,
                    RegistryRequest.Elsewhere _ -> null;
        };
        if (name == null) {
            return null;
        }
        try {
            return router.route(name, host);
        } catch (NotFoundException | InvalidNameException e) {
            return null;
        }
    }
}
