package dev.entrepot.bench;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A registry on loopback that serves generated blobs and manifests and counts what it is asked. One platform thread per
 * connection, because it sends by sendfile, which holds its thread. Understands GET, HEAD, keep-alive and open-ended
 * ranges: what a mirror asks.
 */
final class FakeUpstream implements AutoCloseable {
    private static final Pattern REQUEST = Pattern.compile("(GET|HEAD) (/[^ ?]*)[^ ]* HTTP/1\\.1\r\n");
    private static final Pattern RANGE = Pattern.compile("(?im)^range: *bytes=(\\d+)-\r?$");
    private static final int HEAD_LIMIT_BYTES = 64 * 1024;
    private static final String MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json";

    private final BenchContent content;
    private final ServerSocketChannel listener;
    private final Map<String, BenchBlob> blobs = new ConcurrentHashMap<>();
    private final Map<String, byte[]> manifests = new ConcurrentHashMap<>();
    private volatile boolean silent;

    private FakeUpstream(BenchContent content, ServerSocketChannel listener) {
        this.content = content;
        this.listener = listener;
    }

    /** Starts on a free port of 127.0.0.1; keeps its bytes in {@code folder}. */
    static FakeUpstream start(Path folder) throws IOException {
        ServerSocketChannel listener = ServerSocketChannel.open();
        listener.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 1024);
        // Another seed in each run: no cache of an earlier run can know these blobs.
        BenchContent content = new BenchContent(folder.resolve("upstream.bytes"), System.nanoTime());
        FakeUpstream upstream = new FakeUpstream(content, listener);
        Thread.ofPlatform().daemon().name("upstream").start(upstream::accept);
        return upstream;
    }

    /** Where it is, for clients that ask it directly. */
    Place place() throws IOException {
        return new Place(
                "direct", ((InetSocketAddress) listener.getLocalAddress()).getPort(), false, "/v2/library/app");
    }

    /** From now on takes connections and requests, and answers none. */
    void fallSilent() {
        silent = true;
    }

    /** A new blob, sent as fast as the machine can. */
    BenchBlob blob(long size) throws IOException {
        return blob(size, OptionalLong.empty(), Duration.ZERO);
    }

    /** A new blob. */
    BenchBlob blob(long size, OptionalLong bytesPerSecond, Duration headerDelay) throws IOException {
        BenchBlob blob = content.blob(size, bytesPerSecond, headerDelay);
        blobs.put(blob.digest(), blob);
        return blob;
    }

    /** A new image manifest with one layer, under a tag and its digest; returns the digest. */
    String manifest(String tag, BenchBlob config, BenchBlob layer) throws Exception {
        byte[] bytes = """
                {"schemaVersion":2,"mediaType":"%s",
                "config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"%s","size":%d},
                "layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"%s","size":%d}],
                "annotations":{"padding":"%s"}}""".formatted(
                        MANIFEST_TYPE, config.digest(), config.size(), layer.digest(), layer.size(), "x".repeat(512))
                .getBytes(StandardCharsets.UTF_8);
        String digest = digestOf(bytes);
        manifests.put(tag, bytes);
        manifests.put(digest, bytes);
        return digest;
    }

    private static String digestOf(byte[] bytes) throws Exception {
        return "sha256:"
                + HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    }

    private void accept() {
        while (listener.isOpen()) {
            try {
                SocketChannel client = listener.accept();
                client.setOption(StandardSocketOptions.TCP_NODELAY, true);
                Thread.ofPlatform().daemon().name("upstream-connection").start(() -> serve(client));
            } catch (IOException e) {
                return; // closed
            }
        }
    }

    private void serve(SocketChannel client) {
        try (client) {
            BufferedInputStream in = new BufferedInputStream(Channels.newInputStream(client));
            for (String head = readHead(in); !head.isEmpty(); head = readHead(in)) {
                if (silent) {
                    in.transferTo(OutputStream.nullOutputStream());
                    return;
                }
                answer(head, client);
            }
        } catch (IOException e) {
            // The client left; what it got is counted.
        }
    }

    private static String readHead(BufferedInputStream in) throws IOException {
        ByteArrayOutputStream head = new ByteArrayOutputStream();
        for (int matched = 0; matched < 4 && head.size() < HEAD_LIMIT_BYTES; ) {
            int next = in.read();
            if (next < 0) {
                return "";
            }
            head.write(next);
            matched = next == (matched % 2 == 0 ? '\r' : '\n') ? matched + 1 : next == '\r' ? 1 : 0;
        }
        return head.toString(StandardCharsets.ISO_8859_1);
    }

    private void answer(String head, SocketChannel client) throws IOException {
        Matcher request = REQUEST.matcher(head);
        if (!request.lookingAt()) {
            sendHead(client, "405 Method Not Allowed", 0, "");
            return;
        }
        boolean get = request.group(1).equals("GET");
        String path = request.group(2);
        String last = path.substring(path.lastIndexOf('/') + 1);
        BenchBlob blob = blobs.get(last);
        byte[] manifest = manifests.get(last);
        if (path.contains("/blobs/") && blob != null) {
            sendBlob(blob, head, get, client);
        } else if (path.contains("/manifests/") && manifest != null) {
            sendManifest(manifest, get, client);
        } else {
            sendHead(client, path.equals("/v2/") ? "200 OK" : "404 Not Found", 0, "");
        }
    }

    private void sendBlob(BenchBlob blob, String head, boolean get, SocketChannel client) throws IOException {
        (get ? blob.gets() : blob.heads()).incrementAndGet();
        LockSupport.parkNanos(blob.headerDelay().toNanos());
        Matcher range = RANGE.matcher(head);
        long from = range.find() ? Long.parseLong(range.group(1)) : 0;
        String headers = "Content-Type: application/octet-stream\r\nAccept-Ranges: bytes\r\nDocker-Content-Digest: "
                + blob.digest() + "\r\n"
                + (from > 0 ? "Content-Range: bytes %d-%d/%d\r\n".formatted(from, blob.size() - 1, blob.size()) : "");
        sendHead(client, from > 0 ? "206 Partial Content" : "200 OK", blob.size() - from, headers);
        if (get) {
            content.send(blob, from, client);
        }
    }

    private void sendManifest(byte[] manifest, boolean get, SocketChannel client) throws IOException {
        String digest;
        try {
            digest = digestOf(manifest);
        } catch (Exception e) {
            throw new IOException("no digest", e);
        }
        String headers = "Content-Type: " + MANIFEST_TYPE + "\r\nDocker-Content-Digest: " + digest + "\r\n";
        sendHead(client, "200 OK", manifest.length, headers);
        if (get) {
            write(client, manifest);
        }
    }

    private static void sendHead(SocketChannel client, String status, long length, String headers) throws IOException {
        String head = "HTTP/1.1 " + status + "\r\nDocker-Distribution-Api-Version: registry/2.0\r\nContent-Length: "
                + length + "\r\n" + headers + "\r\n";
        write(client, head.getBytes(StandardCharsets.US_ASCII));
    }

    private static void write(SocketChannel client, byte[] bytes) throws IOException {
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        while (buffer.hasRemaining()) {
            client.write(buffer);
        }
    }

    @Override
    public void close() throws IOException {
        listener.close();
        content.close();
    }
}
