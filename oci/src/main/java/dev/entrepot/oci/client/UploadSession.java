package dev.entrepot.oci.client;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.RegistryException;
import dev.entrepot.oci.Repository;
import java.io.IOException;
import java.net.URI;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The requests of an upload session (distribution-spec, "Pushing blobs"). Sessions live at locations that the registry
 * chooses, which may be at another host; credentials go to the registry's own origin only.
 */
final class UploadSession {
    private static final Pattern SIZE = Pattern.compile("[0-9]{1,12}");
    private static final Pattern RANGE = Pattern.compile("(?:bytes=)?0-([0-9]{1,18})");

    private final Calls calls;
    private final RepositoryRequests requests;

    UploadSession(Calls calls, RepositoryRequests requests) {
        this.calls = calls;
        this.requests = requests;
    }

    /** What came of sending bytes to a session. */
    sealed interface Outcome {
        /** They were taken; the session goes on at another location, where the registry said how far it is. */
        record Taken(URI location, OptionalLong reached) implements Outcome {}

        /** The blob is committed. */
        record Committed() implements Outcome {}

        /** The registry answered that all is well, but not that the blob is there. */
        record Unclear() implements Outcome {}

        /** The registry does not know the session. */
        record Lost() implements Outcome {}

        /** The registry has another number of bytes than was thought. */
        record OutOfStep() implements Outcome {}

        /** The registry does not take parts. */
        record Unsupported() implements Outcome {}
    }

    /** What came of sending a blob in the request that opens a session. */
    sealed interface Single {
        /** The blob is committed. */
        record Committed() implements Single {}

        /** The registry had the request sent elsewhere, and all is well there. */
        record Redirected() implements Single {}

        /**
         * The registry opened a session.
         *
         * @param empty whether it took no note of the bytes, as it should
         */
        record Opened(Started session, boolean empty) implements Single {}

        /** The registry answered that all is well, but not what it has done. */
        record Unclear() implements Single {}
    }

    /**
     * How far a session is.
     *
     * @param location where it goes on
     * @param offset number of bytes that the registry has
     */
    record Progress(URI location, long offset) {}

    /**
     * A session that was opened.
     *
     * @param location where it goes on
     * @param leastPartBytes the least size of all parts but the last ({@code OCI-Chunk-Min-Length}), 0 if any will do
     */
    record Started(URI location, long leastPartBytes) {}

    /** Opens a session. */
    Started start(Digest digest) throws IOException {
        ApiRequest request = request("starting to upload", digest, "POST", requests.url("blobs/uploads/"))
                .withBody(RequestBody.empty());
        return calls.call(request, response -> {
            if (response.status() != 202) {
                throw calls.errors().failure(response);
            }
            return started(response);
        });
    }

    private static Started started(ApiResponse response) throws RegistryException {
        String least = response.header("OCI-Chunk-Min-Length").orElse("");
        return new Started(Locations.target(response), SIZE.matcher(least).matches() ? Long.parseLong(least) : 0);
    }

    /** Sends a blob in the request that opens a session (end-4b), which commits it where the registry does that. */
    Single startWith(Descriptor blob, RequestBody body) throws IOException {
        URI url = withDigest(requests.url("blobs/uploads/"), blob.digest());
        return calls.call(request("uploading", blob.digest(), "POST", url).withBody(body), response -> {
            int status = response.status();
            if (status < 200 || status >= 300) {
                throw calls.errors().failure(response);
            }
            if (status == 202) {
                return new Single.Opened(started(response), reached(response).isEmpty());
            }
            if (status != 201) {
                return new Single.Unclear();
            }
            requireDigest(response, blob.digest());
            if (!response.request().uri().equals(url)) {
                return new Single.Redirected();
            }
            boolean says = response.header("Location").isPresent()
                    || response.header("Docker-Content-Digest").isPresent();
            return says ? new Single.Committed() : new Single.Unclear();
        });
    }

    /** Sends {@code body} as the end of the blob, and commits it. */
    Outcome commit(URI location, Descriptor blob, RequestBody body) throws IOException {
        URI url = withDigest(location, blob.digest());
        return calls.call(request("uploading", blob.digest(), "PUT", url).withBody(body), response -> {
            int status = response.status();
            if (status == 201) {
                requireDigest(response, blob.digest());
                return new Outcome.Committed();
            }
            return status >= 200 && status < 300 ? new Outcome.Unclear() : failed(response);
        });
    }

    /** Sends the bytes from {@code from} to before {@code to}, without committing the blob. */
    Outcome append(URI location, Descriptor blob, long from, long to, RequestBody body) throws IOException {
        ApiRequest request = request("uploading", blob.digest(), "PATCH", location)
                .withBody(body)
                .withHeader("Content-Range", from + "-" + (to - 1));
        return calls.call(request, response -> {
            int status = response.status();
            if (status == 405 || status == 501) {
                return new Outcome.Unsupported();
            }
            return status >= 200 && status < 300
                    ? new Outcome.Taken(Locations.target(response), reached(response))
                    : failed(response);
        });
    }

    private Outcome failed(ApiResponse response) throws RegistryException {
        return switch (response.status()) {
            case 404 -> new Outcome.Lost();
            case 416 -> new Outcome.OutOfStep();
            default -> throw calls.errors().failure(response);
        };
    }

    /** Asks how far a session is; empty if the registry does not know it, or does not say. */
    Optional<Progress> progress(URI location, Digest digest) throws IOException {
        return calls.call(request("asking for the upload of", digest, "GET", location), response -> {
            int status = response.status();
            if (status != 204 && status != 202 && status != 200) {
                return Optional.empty();
            }
            URI next = response.header("Location").isPresent() ? Locations.target(response) : location;
            OptionalLong reached = reached(response);
            return reached.isPresent() ? Optional.of(new Progress(next, reached.getAsLong())) : Optional.empty();
        });
    }

    private static OptionalLong reached(ApiResponse response) {
        Matcher range = RANGE.matcher(response.header("Range").orElse(""));
        // "0-0" is one byte, but also what registries say that have none.
        return range.matches() && !range.group(1).equals("0")
                ? OptionalLong.of(Long.parseLong(range.group(1)) + 1)
                : OptionalLong.empty();
    }

    /**
     * Asks the registry to forget a session. What goes wrong does not matter: registries expire sessions.
     *
     * @return whether it is gone
     */
    boolean cancel(URI location, Digest digest) {
        try {
            int status =
                    calls.call(request("cancelling the upload of", digest, "DELETE", location), ApiResponse::status);
            return status / 100 == 2 || status == 404;
        } catch (IOException e) {
            return false;
        }
    }

    private ApiRequest request(String verb, Digest digest, String method, URI url) {
        return requests.writing(Operation.UPLOAD, verb + " blob " + requests.repository() + "@" + digest, method, url);
    }

    /**
     * Asks for a mount.
     *
     * @return whether the blob is there, or else the location of the session that the registry opened instead, if any
     */
    Mount mount(Digest digest, Repository from) throws IOException {
        URI url = requests.url("blobs/uploads/?mount=" + digest.toString().replace(":", "%3A") + "&from="
                + from.name().value().replace("/", "%2F"));
        ApiRequest request = requests.writing(
                        Operation.MOUNT,
                        "mounting blob " + requests.repository() + "@" + digest + " from " + from,
                        "POST",
                        url)
                .withScopes(scopes(from))
                .withBody(RequestBody.empty());
        return calls.call(request, response -> switch (response.status()) {
            case 201 -> {
                requireDigest(response, digest);
                yield new Mount(201, "", Optional.empty());
            }
            case 202 -> new Mount(202, "", Optional.of(Locations.target(response)));
            // Not in the specification, but what registries answer that cannot, or that do not let this account read
            // there.
            case 400, 401, 403, 404, 405, 501 ->
                new Mount(response.status(), StatusErrors.errorCode(response), Optional.empty());
            default -> throw calls.errors().failure(response);
        });
    }

    // The target's scope first: some token services look no further.
    private List<Scope> scopes(Repository from) {
        Scope push = Scope.push(requests.repository().name());
        return from.equals(requests.repository()) ? List.of(push) : List.of(push, Scope.pull(from.name()));
    }

    /**
     * What came of a mount.
     *
     * @param status what was answered
     * @param code the error code of the answer, or empty
     * @param session the session that the registry opened instead
     */
    record Mount(int status, String code, Optional<URI> session) {
        /** Whether the blob is there. */
        boolean done() {
            return status == 201;
        }

        /** Whether the registry answered that it does not do such a thing. */
        boolean unsupported() {
            return status == 405 || status == 501;
        }
    }

    private static void requireDigest(ApiResponse response, Digest expected) throws InvalidContentException {
        Optional<Digest> stated = ManifestReads.statedDigest(response)
                .filter(digest -> digest.algorithm().equals(expected.algorithm()));
        if (stated.isPresent() && !stated.get().equals(expected)) {
            throw new InvalidContentException(response.request().what() + ": "
                    + response.request().host() + " committed the digest " + stated.get() + ", expected " + expected);
        }
    }

    private static URI withDigest(URI location, Digest digest) {
        return URI.create(location + (location.getRawQuery() == null ? "?" : "&") + "digest="
                + digest.toString().replace(":", "%3A"));
    }
}
