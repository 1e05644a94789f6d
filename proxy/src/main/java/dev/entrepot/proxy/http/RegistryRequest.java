package dev.entrepot.proxy.http;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidNameException;
import dev.entrepot.oci.ManifestReference;
import java.util.List;
import java.util.Optional;

/**
 * What a client asks for, parsed once from the raw path. Values of the cases are valid by construction; which upstream
 * is meant is decided afterwards, by {@link UpstreamRouter}.
 */
sealed interface RegistryRequest {
    /** The name of the case in logs and metrics. */
    RequestKind kind();

    /** end-1: is this a registry? */
    record Ping(RequestScope scope) implements RegistryRequest {
        @Override
        public RequestKind kind() {
            return RequestKind.PING;
        }
    }

    /** The list of repositories, which is no part of the specification but widely used. */
    record Catalog(RequestScope scope, PageRequest page) implements RegistryRequest {
        @Override
        public RequestKind kind() {
            return RequestKind.CATALOG;
        }
    }

    /** end-3: a manifest by tag or digest. */
    record ManifestRequest(RequestedName name, ManifestReference reference) implements RegistryRequest {
        @Override
        public RequestKind kind() {
            return RequestKind.MANIFEST;
        }
    }

    /** end-2: a blob. */
    record BlobRequest(RequestedName name, Digest digest) implements RegistryRequest {
        @Override
        public RequestKind kind() {
            return RequestKind.BLOB;
        }
    }

    /** end-8: the tags of a repository. */
    record TagsRequest(RequestedName name, PageRequest page) implements RegistryRequest {
        @Override
        public RequestKind kind() {
            return RequestKind.TAGS;
        }
    }

    /**
     * end-12: what refers to a manifest.
     *
     * @param artifactTypes the types wanted; empty for all
     * @param after the digest after which the page begins; empty for the beginning
     */
    record ReferrersRequest(RequestedName name, Digest subject, List<String> artifactTypes, Optional<Digest> after)
            implements RegistryRequest {
        @Override
        public RequestKind kind() {
            return RequestKind.REFERRERS;
        }
    }

    /**
     * An upload, a push, a deletion: what a mirror does not do.
     *
     * @param name the repository, where it can be told
     * @param readable whether what it is about is something that can be read here: uploads are not
     */
    record Push(Optional<RequestedName> name, boolean readable) implements RegistryRequest {
        @Override
        public RequestKind kind() {
            return RequestKind.PUSH;
        }
    }

    /** A path that is none of the API's. */
    record Elsewhere() implements RegistryRequest {
        @Override
        public RequestKind kind() {
            return RequestKind.OTHER;
        }
    }

    /**
     * Parses a request.
     *
     * @param method the HTTP method
     * @param rawPath the path as it was sent, still encoded
     * @param rawQuery the query as it was sent, without question mark; empty if there is none
     * @throws InvalidNameException if the path has the shape of an endpoint but a name, tag or digest in it is
     *     malformed
     */
    static RegistryRequest parse(String method, String rawPath, String rawQuery) {
        return RegistryRequestParser.parse(method, rawPath, rawQuery);
    }
}
