package dev.entrepot.oci.client;

import dev.entrepot.oci.BlobBody;
import dev.entrepot.oci.ByteRange;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.NotFoundException;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads blobs from a registry (distribution-spec, "Pulling blobs"). */
final class BlobReads {
    private static final Pattern CONTENT_RANGE =
            Pattern.compile("bytes\\s+([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18}|\\*)", Pattern.CASE_INSENSITIVE);

    /** What follows where HEAD says that there is no such blob. */
    enum Absence {
        /** It is believed: what it costs to be wrong is an upload. */
        BELIEVED,
        /** GET is asked: Harbor answers HEAD so for what it has not fetched yet. */
        CONFIRMED
    }

    private final Calls calls;
    private final RepositoryRequests requests;
    private final CapabilityMemory memory;
    private final Absence absence;
    private final boolean ofServer;

    BlobReads(Calls calls, RepositoryRequests requests, CapabilityMemory memory, Absence absence) {
        this(calls, requests, memory, absence, false);
    }

    private BlobReads(
            Calls calls, RepositoryRequests requests, CapabilityMemory memory, Absence absence, boolean ofServer) {
        this.ofServer = ofServer;
        this.absence = absence;
        this.calls = calls;
        this.requests = requests;
        this.memory = memory;
    }

    /** As {@link RemoteRepository#ofServer}. */
    BlobReads ofServer(Calls callsToServer, RepositoryRequests toServer) {
        return new BlobReads(callsToServer, toServer, memory, absence, true);
    }

    /** As {@link dev.entrepot.oci.BlobSource#ignoresRanges}. */
    boolean ignoresRanges() {
        return memory.isKnownAbsent(requests.repository(), Capability.RANGES);
    }

    private sealed interface HeadAnswer {
        record Present(OptionalLong size) implements HeadAnswer {}

        record Absent() implements HeadAnswer {}

        /** It tells nothing: the place that the registry redirected to does not take a HEAD, say. */
        record Unclear() implements HeadAnswer {}
    }

    /** As {@link dev.entrepot.oci.BlobSource#statBlob}. */
    Optional<OptionalLong> stat(Digest digest) throws IOException {
        return stat(digest, request(Operation.STAT_BLOB, "asking for", "HEAD", digest), absence);
    }

    /** As {@link dev.entrepot.oci.RepositoryTarget#containsBlob}: with the token that the upload will need. */
    boolean contains(Digest digest) throws IOException {
        ApiRequest request = request(Operation.STAT_BLOB, "asking for", "HEAD", digest)
                .withScopes(List.of(Scope.push(requests.repository().name())));
        return stat(digest, request, Absence.BELIEVED).isPresent();
    }

    private Optional<OptionalLong> stat(Digest digest, ApiRequest request, Absence how) throws IOException {
        if (memory.isKnownAbsent(requests.repository(), Capability.HEAD_BLOBS)) {
            return statByGet(digest);
        }
        return switch (calls.call(request, response -> head(request, response, digest))) {
            case HeadAnswer.Present(OptionalLong size) -> Optional.of(size);
            case HeadAnswer.Absent() ->
                switch (how) {
                    case BELIEVED -> Optional.empty();
                    case CONFIRMED -> contradicted(digest);
                };
            case HeadAnswer.Unclear() -> statByGet(digest);
        };
    }

    private Optional<OptionalLong> contradicted(Digest digest) throws IOException {
        Optional<OptionalLong> size = statByGet(digest);
        if (size.isPresent()) {
            memory.saw(requests.repository(), Capability.HEAD_BLOBS, false);
        }
        return size;
    }

    private HeadAnswer head(ApiRequest request, ApiResponse response, Digest digest) throws IOException {
        int status = response.status();
        if (status == 200 && response.isHtml()) {
            // A login page, say: it proves nothing.
            throw calls.errors().html(response);
        }
        if (status == 200 && response.isEncoded()) {
            // The length is of what it would send.
            return new HeadAnswer.Unclear();
        }
        if (status == 200 && response.contentLength().orElse(-1) == 0 && !isOfNothing(digest)) {
            // Some servers lose the length on HEAD.
            return new HeadAnswer.Unclear();
        }
        if (status == 200) {
            memory.saw(requests.repository(), Capability.HEAD_BLOBS, true);
            return new HeadAnswer.Present(response.contentLength());
        }
        if (status == 405 || status == 501) {
            memory.saw(requests.repository(), Capability.HEAD_BLOBS, false);
        }
        if (status == 404) {
            return new HeadAnswer.Absent();
        }
        // A signed URL is often good for GET alone, and ECR Public says 401 to a HEAD by those who may GET.
        if (status == 401 || status == 405 || status == 501 || status >= 400 && response.isElsewhere(request)) {
            return new HeadAnswer.Unclear();
        }
        throw calls.errors().failure(response);
    }

    private static boolean isOfNothing(Digest digest) {
        return digest.algorithm().isVerifiable() && digest.equals(Digest.of(digest.algorithm(), new byte[0]));
    }

    private Optional<OptionalLong> statByGet(Digest digest) throws IOException {
        ByteRange first = ByteRange.of(0, 0);
        ApiRequest request = request(Operation.BLOB, "fetching", "GET", digest).withHeader("Range", first.toHeader());
        try {
            return Optional.of(calls.open(request, response -> {
                try (response) {
                    OptionalLong size = sizeSent(response, digest, first);
                    // One byte, mostly: the connection is worth more.
                    response.discard();
                    return size;
                }
            }));
        } catch (NotFoundException e) {
            return Optional.empty();
        }
    }

    private OptionalLong sizeSent(ApiResponse response, Digest digest, ByteRange first) throws IOException {
        boolean sends = response.status() == 200 || response.status() == 206;
        if (sends && response.isHtml()) {
            throw calls.errors().html(response);
        }
        if (sends && response.isEncoded()) {
            // All lengths are of what it would send.
            return OptionalLong.empty();
        }
        if (response.status() == 416 && isOfNothing(digest)) {
            // There is no first byte of it.
            return OptionalLong.of(0);
        }
        return body(response, digest, first, OptionalLong.empty())
                .map(BlobBody::totalBytes)
                .orElse(OptionalLong.empty());
    }

    /** As {@link dev.entrepot.oci.BlobSource#openBlob(Digest, ByteRange, OptionalLong)}. */
    BlobBody open(Digest digest, ByteRange range, OptionalLong knownBytes) throws IOException {
        ApiRequest request = request(Operation.BLOB, "fetching", "GET", digest);
        Optional<BlobBody> body = open(request, digest, range, knownBytes);
        if (body.isEmpty()) {
            body = open(request, digest, ByteRange.ALL, knownBytes);
        }
        return body.orElseThrow(() -> new InvalidContentException(
                request.what() + ": " + request.host() + " sent a part of an encoded body where all was asked for"));
    }

    private Optional<BlobBody> open(ApiRequest request, Digest digest, ByteRange range, OptionalLong knownBytes)
            throws IOException {
        return calls.open(
                range.isAll() ? request : request.withHeader("Range", range.toHeader()),
                response -> body(response, digest, range, knownBytes));
    }

    private ApiRequest request(Operation operation, String verb, String method, Digest digest) {
        return requests.reading(
                operation, verb + " blob " + requests.repository() + "@" + digest, method, "blobs/" + digest);
    }

    /** The body of an answer; empty if it is a part of an encoded one, which is of no use. */
    private Optional<BlobBody> body(ApiResponse response, Digest digest, ByteRange range, OptionalLong knownBytes)
            throws IOException {
        switch (response.status()) {
            case 200 -> {
                BlobBody whole = whole(response, digest, knownBytes);
                if (!range.isAll()) {
                    memory.saw(requests.repository(), Capability.RANGES, false);
                }
                return Optional.of(whole);
            }
            case 206 -> {
                BlobBody partial = partial(response, range);
                boolean ofUse = !response.isEncoded() || isOfTheBlob(partial.totalBytes(), knownBytes);
                memory.saw(requests.repository(), Capability.RANGES, ofUse);
                if (!ofUse) {
                    response.close();
                }
                return ofUse ? Optional.of(partial) : Optional.empty();
            }
            default -> throw calls.errors().failure(response);
        }
    }

    private BlobBody whole(ApiResponse response, Digest digest, OptionalLong knownBytes) throws IOException {
        OptionalLong length = response.contentLength();
        boolean asItIs = !response.isEncoded() || isOfTheBlob(length, knownBytes);
        if (!asItIs && response.isGzipped()) {
            return RemoteBlobBody.gzipped(response, knownBytes, ofServer);
        }
        if (!asItIs) {
            throw response.encodingRefused();
        }
        Optional<String> strange = response.strangeEncoding();
        return strange.isPresent()
                ? RemoteBlobBody.doubted(response, digest, length.orElseThrow(), strange.get(), ofServer)
                : new RemoteBlobBody(response, 0, length, length, ofServer);
    }

    // Then the field is wrong, and the bytes are those of the blob: storage keeps such fields with what was uploaded.
    private static boolean isOfTheBlob(OptionalLong stated, OptionalLong knownBytes) {
        return stated.isPresent() && stated.equals(knownBytes);
    }

    private BlobBody partial(ApiResponse response, ByteRange range) throws InvalidContentException {
        String text = response.header("Content-Range").orElse("");
        Matcher matcher = CONTENT_RANGE.matcher(text);
        if (!matcher.matches()) {
            throw wrongRange(response, range, "without a single Content-Range");
        }
        long first = Long.parseLong(matcher.group(1));
        long last = Long.parseLong(matcher.group(2));
        if (first != range.first() || last < first || last > range.last().orElse(Long.MAX_VALUE)) {
            throw wrongRange(response, range, "with the bytes " + first + "-" + last);
        }
        OptionalLong total =
                matcher.group(3).equals("*") ? OptionalLong.empty() : OptionalLong.of(Long.parseLong(matcher.group(3)));
        return new RemoteBlobBody(response, first, OptionalLong.of(last - first + 1), total, ofServer);
    }

    private static InvalidContentException wrongRange(ApiResponse response, ByteRange range, String how) {
        return new InvalidContentException(response.request().what() + ": "
                + response.request().host() + " answered the request for " + range.toHeader() + " " + how);
    }
}
