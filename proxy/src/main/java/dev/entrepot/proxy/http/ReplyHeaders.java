package dev.entrepot.proxy.http;

import dev.entrepot.cache.Answer;
import dev.entrepot.cache.Verdict;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestReference;
import io.helidon.http.Header;
import io.helidon.http.HeaderName;
import io.helidon.http.HeaderNames;
import io.helidon.http.HeaderValues;
import java.util.List;
import java.util.Optional;

/** The headers of answers; those that do not vary are encoded once. */
final class ReplyHeaders {
    static final Header API_VERSION = HeaderValues.createCached("Docker-Distribution-Api-Version", "registry/2.0");
    /** That no method does anything here (RFC 9110 section 10.2.1). */
    static final Header ALLOW_NOTHING = HeaderValues.createCached(HeaderNames.ALLOW, "");

    static final Header ALLOW_TOKENS = HeaderValues.createCached(HeaderNames.ALLOW, "GET, HEAD, POST");
    static final Header ALLOW_READING = HeaderValues.createCached(HeaderNames.ALLOW, "GET, HEAD");
    static final Header IMMUTABLE =
            HeaderValues.createCached(HeaderNames.CACHE_CONTROL, "public, max-age=31536000, immutable");
    static final Header PRIVATE_IMMUTABLE =
            HeaderValues.createCached(HeaderNames.CACHE_CONTROL, "private, max-age=31536000, immutable");
    static final Header PRIVATE_NO_CACHE = HeaderValues.createCached(HeaderNames.CACHE_CONTROL, "private, no-cache");
    static final Header NO_CACHE = HeaderValues.createCached(HeaderNames.CACHE_CONTROL, "no-cache");
    static final Header NO_STORE = HeaderValues.createCached(HeaderNames.CACHE_CONTROL, "no-store");
    static final Header JSON = HeaderValues.createCached(HeaderNames.CONTENT_TYPE, "application/json");
    static final Header OCTET_STREAM = HeaderValues.createCached(HeaderNames.CONTENT_TYPE, "application/octet-stream");

    /**
     * Of a list that is all that the upstream gave, who may have cut it: commands that read through this server ask.
     */
    static final Header TAGS_MAY_BE_CUT =
            HeaderValues.createCached(HeaderNames.create("X-Entrepot-Tags"), "may-be-cut");

    private static final HeaderName CACHE_VERDICT = HeaderNames.create("X-Entrepot-Cache");
    private static final HeaderName CONTENT_DIGEST = HeaderNames.create("Docker-Content-Digest");
    private static final HeaderName NAMESPACE = HeaderNames.create("OCI-Namespace");
    private static final HeaderName WARNING = HeaderNames.create("Warning");
    private static final Header NO_VERDICT = HeaderValues.createCached(CACHE_VERDICT, "none");
    private static final List<Header> VERDICTS = List.of(Verdict.values()).stream()
            .map(verdict -> HeaderValues.createCached(CACHE_VERDICT, verdict.headerValue()))
            .toList();
    private static final int MAX_WARNING = 1024;

    private ReplyHeaders() {}

    /** Where the content came from; {@code none} where no cache was asked. */
    static Header verdict(Optional<Verdict> verdict) {
        return verdict.isPresent() ? VERDICTS.get(verdict.get().ordinal()) : NO_VERDICT;
    }

    /**
     * A header whose value comes from outside. The server checks none of those that it sends, because most are the same
     * each time; so these are checked here.
     *
     * @throws IllegalArgumentException if the value is not fit for a header
     */
    static Header checked(HeaderName name, String value) {
        Header header = HeaderValues.createCached(name, value);
        header.validate();
        return header;
    }

    /** The digest of the content (distribution-spec, "Pulling manifests"). */
    static Header contentDigest(Digest digest) {
        return checked(CONTENT_DIGEST, digest.toString());
    }

    /** The digest as a strong validator. */
    static Header etag(Digest digest) {
        return checked(HeaderNames.ETAG, "\"" + digest + "\"");
    }

    /** The namespace that was used to route the request (distribution-spec, "Registry Proxying"). */
    static Header namespace(String namespace) {
        return checked(NAMESPACE, Text.printable(namespace, 255));
    }

    /** What is named by its digest never changes; what is named by a tag must be asked for again. */
    static Header cacheControl(ManifestReference reference) {
        return switch (reference) {
            case Digest _ -> IMMUTABLE;
            case dev.entrepot.oci.Tag _ -> NO_CACHE;
        };
    }

    /**
     * Adds what the client should know about the age of an answer: {@code Age}, and {@code Warning} if it is not what
     * the upstream says now.
     */
    static void addFreshness(List<Header> headers, Answer<?> answer) {
        long seconds = answer.age().toSeconds();
        if (seconds > 0) {
            headers.add(HeaderValues.create(HeaderNames.AGE, seconds));
        }
        if (answer.outage().isPresent()) {
            String text = Text.printable(answer.outage().get(), MAX_WARNING);
            headers.add(checked(WARNING, "299 - \"" + answer.verdict().headerValue() + ": " + text + "\""));
        }
    }
}
