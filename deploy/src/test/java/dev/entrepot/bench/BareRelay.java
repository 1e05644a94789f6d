package dev.entrepot.bench;

import io.helidon.webserver.WebServer;
import io.helidon.webserver.http.ServerRequest;
import io.helidon.webserver.http.ServerResponse;
import io.helidon.webserver.http1.Http1Config;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import org.apache.hc.client5.http.classic.methods.HttpGet;
import org.apache.hc.client5.http.impl.classic.CloseableHttpClient;
import org.apache.hc.client5.http.impl.classic.HttpClients;
import org.apache.hc.client5.http.impl.io.PoolingHttpClientConnectionManagerBuilder;
import org.apache.hc.core5.http.ClassicHttpResponse;

/**
 * The yardstick for a relay: upstream to hash to disk to client with the same libraries and nothing else. No joining,
 * no ranges, no resuming, no verdicts, no log; one copy loop in the thread of the request.
 *
 * <p>arguments: port, upstream as {@code http://host:port}, folder, {@code force} or {@code no-force} (whether the file
 * is forced to the disk before it is renamed)
 */
final class BareRelay {
    private static final int BUFFER_BYTES = 128 * 1024;

    private final CloseableHttpClient client = HttpClients.custom()
            .setConnectionManager(PoolingHttpClientConnectionManagerBuilder.create()
                    .setMaxConnPerRoute(64)
                    .setMaxConnTotal(64)
                    .build())
            .disableContentCompression()
            .disableCookieManagement()
            .disableRedirectHandling()
            .disableAutomaticRetries()
            .build();
    private final String upstream;
    private final Path folder;
    private final boolean force;

    private BareRelay(String upstream, Path folder, boolean force) {
        this.upstream = upstream;
        this.folder = folder;
        this.force = force;
    }

    /** The entry point. */
    @SuppressWarnings("removal") // the switches of the wire logs, which cost time when they are on
    static void main(String[] arguments) {
        BareRelay relay = new BareRelay(arguments[1], Path.of(arguments[2]), arguments[3].equals("force"));
        WebServer.builder()
                .host("127.0.0.1")
                .port(Integer.parseInt(arguments[0]))
                .useNio(false)
                .connectionOptions(options -> options.tcpNoDelay(true))
                .protocolsDiscoverServices(false)
                .addProtocol(
                        Http1Config.builder().sendLog(false).receiveLog(false).build())
                .routing(routing -> routing.get("/v2/*", relay::handle))
                .build()
                .start();
    }

    private void handle(ServerRequest request, ServerResponse response) {
        try {
            client.execute(new HttpGet(upstream + request.path().rawPath()), answer -> relay(answer, response));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Path relay(ClassicHttpResponse answer, ServerResponse response) throws IOException {
        MessageDigest hash = sha256();
        Path partial = Files.createTempFile(folder, "partial", "");
        response.contentLength(answer.getEntity().getContentLength());
        try (InputStream in = answer.getEntity().getContent();
                FileChannel file = FileChannel.open(partial, StandardOpenOption.WRITE);
                OutputStream out = response.outputStream()) {
            byte[] buffer = new byte[BUFFER_BYTES];
            for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
                hash.update(buffer, 0, count);
                ByteBuffer bytes = ByteBuffer.wrap(buffer, 0, count);
                while (bytes.hasRemaining()) {
                    file.write(bytes);
                }
                out.write(buffer, 0, count);
            }
            if (force) {
                file.force(true);
            }
        }
        Path target = folder.resolve(HexFormat.of().formatHex(hash.digest()));
        return Files.move(partial, target, StandardCopyOption.ATOMIC_MOVE);
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }
}
