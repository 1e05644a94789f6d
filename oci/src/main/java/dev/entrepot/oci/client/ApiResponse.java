package dev.entrepot.oci.client;

import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.InvalidNameException;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.OutageException;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import java.util.regex.Pattern;
import org.apache.hc.core5.http.ClassicHttpResponse;
import org.apache.hc.core5.http.Header;
import org.apache.hc.core5.http.HttpEntity;
import org.apache.hc.core5.http.NameValuePair;
import org.apache.hc.core5.http.io.entity.ByteArrayEntity;
import org.apache.hc.core5.http.message.BasicClassicHttpResponse;

/**
 * The head of an answer and its open body. One thread reads; any thread may close. The connection goes back to the pool
 * when the body has been read to its end, and is cut when the answer is closed before that.
 */
final class ApiResponse implements AutoCloseable {
    private static final int MAX_DRAINED_BYTES = 64 * 1024;
    // Two names of the same (RFC 9110, section 8.4.1.3).
    private static final Set<String> GZIP = Set.of("gzip", "x-gzip");
    // Storage at S3 keeps "aws-chunked" of an upload, whose frames it has taken off, and sends it with the content.
    private static final Set<String> NOTHING_DONE = Set.of("identity", "aws-chunked");
    private static final Pattern CODING = Pattern.compile("[a-z0-9_.+-]{1,32}");

    private final ApiRequest request;
    private final ClassicHttpResponse response;
    private final Runnable cancel;
    private volatile Runnable onEnd = () -> {};
    private volatile Runnable onProgress = () -> {};
    private volatile Received onReceived = bytes -> {};
    private volatile BooleanSupplier isLate = () -> false;
    private volatile String answerer;
    private volatile boolean doubted;
    private final AtomicBoolean ended = new AtomicBoolean();
    private final InputStream body;

    /**
     * Wraps an answer.
     *
     * @param request the request as it was sent last
     * @param response the library's answer
     * @param cancel cuts the connection, from any thread
     */
    ApiResponse(ApiRequest request, ClassicHttpResponse response, Runnable cancel) throws IOException {
        this.request = request;
        this.response = response;
        this.cancel = cancel;
        this.answerer = request.host();
        HttpEntity entity = response.getEntity();
        InputStream raw = entity == null ? InputStream.nullInputStream() : entity.getContent();
        this.body = new ResponseStream(raw, this);
    }

    /** Runs {@code action} once, when the body has been read to its end or the answer is closed. */
    void onEnd(Runnable action) {
        onEnd = action;
    }

    /** Runs {@code action} whenever bytes of the body were read, by the thread that reads. */
    void onProgress(Runnable action) {
        onProgress = action;
    }

    /** Is told of each number of bytes of the body that was read, by the thread that reads, and may hold it up. */
    @FunctionalInterface
    interface Received {
        /**
         * So many bytes were read.
         *
         * @throws InterruptedIOException if interrupted while holding the reader up
         */
        void bytes(long count) throws InterruptedIOException;
    }

    /** Tells of the bytes of the body. */
    void onReceived(Received told) {
        onReceived = told;
    }

    /** Bounds the whole body: reading fails once this is so, however little by little it comes. */
    void endWhen(BooleanSupplier late) {
        isLate = late;
    }

    /** Takes the bound away: a blob takes as long as it takes. */
    void withoutEnd() {
        isLate = () -> false;
    }

    /**
     * Called before the body is read on.
     *
     * @throws OutageException if it has taken too long as a whole
     */
    void requireInTime() throws OutageException {
        if (isLate.getAsBoolean()) {
            String message = request.what() + ": " + request.host() + " took too long over the body of its answer";
            throw new OutageException(OutageException.Reason.TIMEOUT, message, new SocketTimeoutException(message));
        }
    }

    int status() {
        return response.getCode();
    }

    /** The request as it was sent last, after redirects. */
    ApiRequest request() {
        return request;
    }

    /** Whether it comes from another place than the one that was asked first. */
    boolean isElsewhere(ApiRequest first) {
        return !Origin.of(uri()).equals(Origin.of(first.uri()));
    }

    URI uri() {
        return request.uri();
    }

    /** The first header field of this name, without white space around it; empty if there is none or it is blank. */
    Optional<String> header(String name) {
        return Optional.ofNullable(response.getFirstHeader(name))
                .map(NameValuePair::getValue)
                .map(String::strip)
                .filter(value -> !value.isEmpty());
    }

    /** All header fields of this name. */
    List<String> headers(String name) {
        return Arrays.stream(response.getHeaders(name)).map(Header::getValue).toList();
    }

    /** {@code Content-Length}, where it is stated. */
    OptionalLong contentLength() {
        try {
            return header("Content-Length")
                    .map(Long::parseLong)
                    .filter(length -> length >= 0)
                    .map(OptionalLong::of)
                    .orElse(OptionalLong.empty());
        } catch (NumberFormatException e) {
            return OptionalLong.empty();
        }
    }

    /** {@code Content-Type} without its parameters; empty if it is missing or malformed. */
    Optional<MediaType> contentType() {
        try {
            return header("Content-Type").map(MediaType::parse);
        } catch (InvalidNameException e) {
            return Optional.empty();
        }
    }

    boolean isHtml() {
        return contentType()
                .map(MediaType::value)
                .filter(type -> type.equals("text/html") || type.equals("application/xhtml+xml"))
                .isPresent();
    }

    /**
     * The body. Throws only {@link dev.entrepot.oci.RegistryException}s, and {@link InterruptedIOException} if
     * interrupted while the reader is held up.
     */
    InputStream body() {
        return body;
    }

    /**
     * Reads the whole body.
     *
     * @throws InvalidContentException if it is longer than {@code limit} bytes
     */
    byte[] readAll(int limit) throws IOException {
        if (contentLength().orElse(0) > limit) {
            throw tooLong(limit);
        }
        byte[] bytes = body.readNBytes(limit + 1);
        if (bytes.length > limit) {
            throw tooLong(limit);
        }
        return bytes;
    }

    /** Reads at most {@code limit} bytes of a body that matters little; what goes wrong is swallowed. */
    byte[] readLeniently(int limit) {
        try {
            return body.readNBytes(limit);
        } catch (IOException e) {
            return new byte[0];
        }
    }

    private InvalidContentException tooLong(int limit) {
        return new InvalidContentException(
                request.what() + ": " + request.host() + " sent more than the limit of " + limit + " bytes");
    }

    /**
     * Reads the whole body of a document, which is JSON: as it came, or what is in it if it was gzipped unasked.
     *
     * @throws InvalidContentException if it is, or unpacks to, more than {@code limit} bytes, or if it has another
     *     encoding
     */
    byte[] readDocument(int limit) throws IOException {
        if (strangeEncoding().isPresent()) {
            throw encodingRefused();
        }
        return readDocumentToProve(limit);
    }

    /**
     * As {@link #readDocument}, of one whose digest is known: with another encoding it is taken as it came, and not to
     * be used before the digest has been compared.
     *
     * @throws InvalidContentException if it is, or unpacks to, more than {@code limit} bytes
     */
    byte[] readDocumentToProve(int limit) throws IOException {
        byte[] bytes = readAll(limit);
        return isGzipped() && Gunzip.isGzip(bytes) ? Gunzip.all(bytes, sender(), limit) : bytes;
    }

    /** As {@link #readLeniently}, of a document that may be gzipped. */
    byte[] readDocumentLeniently(int limit) {
        byte[] bytes = readLeniently(limit);
        try {
            return isEncoded() && Gunzip.isGzip(bytes) ? Gunzip.all(bytes, sender(), limit) : bytes;
        } catch (InvalidContentException e) {
            return bytes;
        }
    }

    /** Nobody knows whether the registry has said this, or somebody before it. */
    void doubt() {
        doubted = true;
    }

    /** Whether it {@linkplain #doubt shows nothing} of the registry: neither that it is there nor that it is out. */
    boolean isDoubted() {
        return doubted;
    }

    /** Who has answered is not whoever was asked. */
    void isBy(String other) {
        answerer = other;
    }

    /** What was asked for and who has answered, for messages. */
    String sender() {
        return request.what() + ": " + answerer;
    }

    /** Whether the body is said to be gzipped, and nothing else. Nothing was asked for but the bytes themselves. */
    boolean isGzipped() {
        List<String> encodings = encodings();
        return encodings.size() == 1 && GZIP.contains(encodings.getFirst());
    }

    /** The content encoding, where it is one that is not undone here. */
    Optional<String> strangeEncoding() {
        return isEncoded() && !isGzipped() ? Optional.of(String.join(", ", encodings())) : Optional.empty();
    }

    /** That a body with an encoding that is not undone here is of no use. */
    InvalidContentException encodingRefused() {
        return new InvalidContentException(sender() + " sent a body with the content encoding "
                + String.join(", ", encodings())
                + ", which was not asked for and is not understood; have the registry, or the proxy before it, send"
                + " bodies as they are");
    }

    /** Whether there is a content encoding, which is never asked for: then lengths are of other bytes than digests. */
    boolean isEncoded() {
        return !encodings().isEmpty();
    }

    private List<String> encodings() {
        return headers("Content-Encoding").stream()
                .flatMap(field -> Arrays.stream(field.split(",")))
                .map(coding -> coding.strip().toLowerCase(Locale.ROOT))
                .filter(coding -> !coding.isEmpty() && !NOTHING_DONE.contains(coding))
                .map(coding -> CODING.matcher(coding).matches() ? coding : "(malformed)")
                .toList();
    }

    /**
     * The same answer with its body, or the first 64 KiB of it, in memory. This one is ended: whoever has the other
     * keeps no connection and no slot, however long it is kept.
     */
    ApiResponse detached() throws IOException {
        byte[] bytes = readLeniently(MAX_DRAINED_BYTES);
        discard();
        BasicClassicHttpResponse copy = new BasicClassicHttpResponse(response.getCode());
        copy.setHeaders(response.getHeaders());
        copy.setEntity(new ByteArrayEntity(bytes, null));
        return new ApiResponse(request, copy, () -> {});
    }

    /** Ends the answer, keeping the connection where little of the body is left. */
    void discard() {
        if (contentLength().orElse(0) <= MAX_DRAINED_BYTES) {
            byte[] drained = readLeniently(MAX_DRAINED_BYTES);
            if (drained.length < MAX_DRAINED_BYTES) {
                readLeniently(1);
            }
        }
        close();
    }

    /** So many bytes of the body were read. */
    void progressed(int bytes) throws InterruptedIOException {
        onProgress.run();
        onReceived.bytes(bytes);
    }

    /** The body came to its end: the library has taken the connection back. */
    void finished() {
        if (ended.compareAndSet(false, true)) {
            onEnd.run();
        }
    }

    /**
     * Cuts the connection if the body has not been read to its end. The library's own close would read all that
     * remains.
     */
    @Override
    public void close() {
        if (ended.compareAndSet(false, true)) {
            cancel.run();
            onEnd.run();
        }
        closeQuietly();
    }

    private void closeQuietly() {
        try {
            response.close();
        } catch (IOException e) {
            // The connection is cut or returned already; there is nothing left to fail.
            return;
        }
    }
}
