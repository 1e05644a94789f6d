package dev.entrepot.proxy.http;

import dev.entrepot.cache.Answer;
import dev.entrepot.cache.BlobContent;
import dev.entrepot.cache.Verdict;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.proxy.http.RangeHeader.Selection;
import dev.entrepot.proxy.http.RangeHeader.Span;
import dev.entrepot.proxy.http.RegistryRequest.BlobRequest;
import io.helidon.http.Header;
import io.helidon.http.HeaderNames;
import io.helidon.http.HeaderValues;
import io.helidon.http.Status;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Supplier;

/** Blobs, whole and in ranges (distribution-spec, "Pulling blobs"; RFC 9110 section 14). */
final class BlobHandler {
    private final Supplier<String> boundaries;

    /**
     * Takes the source of boundaries for multipart answers: tokens that nobody can foresee, else content could imitate
     * them.
     */
    BlobHandler(Supplier<String> boundaries) {
        this.boundaries = boundaries;
    }

    Reply handle(BlobRequest request, ServedRepository repository, ClientCall call) throws IOException {
        Digest digest = request.digest();
        if (!digest.algorithm().isVerifiable()) {
            return ErrorReplies.unverifiable(NotFoundException.Kind.BLOB, digest);
        }
        boolean notModified = Conditions.notModified(call.headers(), digest);
        if (call.head() || notModified) {
            Answer<OptionalLong> answer = repository.statBlob(digest);
            List<Header> headers = headers(digest, answer);
            return notModified
                    ? reply(Status.NOT_MODIFIED_304, headers, ReplyBody.None.INSTANCE, answer.verdict())
                    : content(Status.OK_200, headers, new ReplyBody.Unopened(answer.content()), answer.verdict());
        }
        Optional<RangeHeader> range = Conditions.range(call.headers(), digest);
        Answer<BlobContent> answer = call.passing()
                ? repository.passBlob(digest, range.map(RangeHeader::start).orElse(0L))
                : repository.openBlob(digest);
        boolean streams = false;
        try {
            Reply reply = open(answer, headers(digest, answer), range);
            streams = reply.body() instanceof ReplyBody.Stream;
            return reply;
        } finally {
            if (!streams) {
                answer.content().close();
            }
        }
    }

    private static List<Header> headers(Digest digest, Answer<?> answer) {
        List<Header> headers = new ArrayList<>(8);
        headers.add(ReplyHeaders.contentDigest(digest));
        headers.add(ReplyHeaders.etag(digest));
        headers.add(ReplyHeaders.IMMUTABLE);
        headers.add(HeaderValues.ACCEPT_RANGES_BYTES);
        ReplyHeaders.addFreshness(headers, answer);
        return headers;
    }

    /** While the size is unknown, ranges are not answered: the whole blob is sent, as it comes. */
    private Reply open(Answer<BlobContent> answer, List<Header> headers, Optional<RangeHeader> range) {
        BlobContent content = answer.content();
        OptionalLong size = content.totalBytes();
        if (size.isEmpty()) {
            BlobWriter writer = BlobWriter.toTheEnd(content);
            return content(
                    Status.OK_200, headers, new ReplyBody.Stream(OptionalLong.empty(), writer), answer.verdict());
        }
        long total = size.getAsLong();
        Selection selection = range.map(r -> r.select(total)).orElseGet(Selection.Whole::new);
        return switch (selection) {
            case Selection.Whole _ -> {
                BlobWriter writer = BlobWriter.of(content, new Span(0, total - 1));
                yield content(
                        Status.OK_200, headers, new ReplyBody.Stream(OptionalLong.of(total), writer), answer.verdict());
            }
            case Selection.Single(Span span) -> {
                headers.add(contentRange(span.first() + "-" + span.last(), total));
                BlobWriter writer = BlobWriter.of(content, span);
                yield content(
                        Status.PARTIAL_CONTENT_206,
                        headers,
                        new ReplyBody.Stream(OptionalLong.of(span.length()), writer),
                        answer.verdict());
            }
            case Selection.Multiple(List<Span> spans) -> {
                MultipartWriter writer = new MultipartWriter(content, spans, total, boundaries.get());
                headers.add(ReplyHeaders.checked(HeaderNames.CONTENT_TYPE, writer.contentType()));
                yield reply(
                        Status.PARTIAL_CONTENT_206,
                        headers,
                        new ReplyBody.Stream(OptionalLong.of(writer.length()), writer),
                        answer.verdict());
            }
            case Selection.Unsatisfiable _ ->
                ErrorReplies.error(
                        Status.REQUESTED_RANGE_NOT_SATISFIABLE_416,
                        "RANGE_INVALID",
                        "the blob has " + total + " bytes, and none of them is in the range asked for",
                        Optional.of(answer.verdict()),
                        contentRange("*", total));
            case Selection.TooMany _ ->
                ErrorReplies.error(
                        Status.BAD_REQUEST_400,
                        "RANGE_INVALID",
                        "more than " + RangeHeader.MAX_RANGES + " ranges in one request",
                        Optional.of(answer.verdict()));
        };
    }

    private static Header contentRange(String span, long total) {
        return ReplyHeaders.checked(HeaderNames.CONTENT_RANGE, "bytes " + span + "/" + total);
    }

    private static Reply content(Status status, List<Header> headers, ReplyBody body, Verdict verdict) {
        headers.add(ReplyHeaders.OCTET_STREAM);
        return reply(status, headers, body, verdict);
    }

    private static Reply reply(Status status, List<Header> headers, ReplyBody body, Verdict verdict) {
        return new Reply(status, headers, body, Optional.of(verdict));
    }
}
