package dev.entrepot.proxy.http;

import dev.entrepot.cache.BlobContent;
import dev.entrepot.proxy.http.RangeHeader.Span;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Writes several ranges of a blob as {@code multipart/byteranges} (RFC 9110 section 14.6). Closing it closes the
 * content.
 */
final class MultipartWriter implements ReplyBody.Writer {
    private final BlobContent content;
    private final List<Span> spans;
    private final List<byte[]> partHeaders;
    private final byte[] end;
    private final String boundary;
    private final long length;

    /**
     * Prepares the parts.
     *
     * @param boundary a token of letters and digits that does not occur in the blob
     */
    MultipartWriter(BlobContent content, List<Span> spans, long totalBytes, String boundary) {
        this.content = content;
        this.spans = spans;
        this.boundary = boundary;
        this.end = ascii("\r\n--" + boundary + "--\r\n");
        this.partHeaders = new ArrayList<>(spans.size());
        String lineBreak = "";
        long bytes = end.length;
        for (Span span : spans) {
            byte[] header = ascii(
                    lineBreak + "--" + boundary + "\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes "
                            + span.first() + "-" + span.last() + "/" + totalBytes + "\r\n\r\n");
            partHeaders.add(header);
            bytes += header.length + span.length();
            lineBreak = "\r\n";
        }
        this.length = bytes;
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    /** The value of the answer's Content-Type. */
    String contentType() {
        return "multipart/byteranges; boundary=" + boundary;
    }

    /** The length of the whole body in bytes. */
    long length() {
        return length;
    }

    @Override
    public void writeTo(ClientStream out) throws IOException {
        byte[] buffer = new byte[(int) Math.min(BlobWriter.BUFFER_BYTES, length)];
        BufferedOutputStream buffered = new BufferedOutputStream(out, BlobWriter.BUFFER_BYTES);
        for (int i = 0; i < spans.size(); i++) {
            buffered.write(partHeaders.get(i));
            BlobWriter.copy(content, spans.get(i).first(), spans.get(i).last() + 1, buffer, buffered);
        }
        buffered.write(end);
        buffered.flush();
    }

    @Override
    public void close() {
        content.close();
    }
}
