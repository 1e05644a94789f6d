package dev.entrepot.proxy.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Digest;
import dev.entrepot.proxy.http.RequestRecord.Ending;
import io.helidon.common.socket.SocketOptions;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.channels.FileChannel;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Stored blobs go from their file to the socket within the kernel, and no client can hold up another one by that. */
class FileSendingTest {
    private static final String REPOSITORY = "docker.io/library/app";
    private static final int BYTES = 24 << 20;

    @TempDir
    private Path folder;

    private final ServerFixture fixture = new ServerFixture();
    private final byte[] bytes = new byte[BYTES];
    private Digest blob;
    private String path;

    @BeforeEach
    void store() throws IOException {
        new Random(7).nextBytes(bytes);
        blob = fixture.repositories.storedBlob(REPOSITORY, bytes, folder.resolve("blob"));
        path = "/v2/library/app/blobs/" + blob;
    }

    @AfterEach
    void close() {
        fixture.close();
        assertThat(fixture.repositories.openBodies).hasValue(0);
    }

    private static byte[] part(byte[] whole, int first, int end) {
        return Arrays.copyOfRange(whole, first, end);
    }

    @Test
    void storedBlobArrivesByteForByteAndTheConnectionGoesOn() throws Exception {
        try (RawConnection connection = fixture.connect()) {
            assertThat(connection.get(path).body()).isEqualTo(bytes);
            assertThat(fixture.nextRecord().bodyBytes()).isEqualTo(BYTES);
            assertThat(connection.get(path, "Range: bytes=70001-9000000").body())
                    .isEqualTo(part(bytes, 70_001, 9_000_001));
            assertThat(connection.get(path, "Range: bytes=-20000").body())
                    .isEqualTo(part(bytes, BYTES - 20_000, BYTES));
            assertThat(connection.get(path, "Range: bytes=5-9,100000-300000").text())
                    .contains("bytes 100000-300000/" + BYTES);
            assertThat(connection.get("/v2/").status()).isEqualTo(200);
        }
    }

    @Test
    void mostBytesDoNotPassThroughTheProcess() throws Exception {
        // What is read through the process has zeros here: the file alone has the bytes.
        fixture.repositories.blobs.put(REPOSITORY + ":" + blob, new byte[BYTES]);
        try (RawConnection connection = fixture.connect()) {
            byte[] body = connection.get(path).body();
            int zeros = 0;
            for (int i = 0; i < BYTES; i++) {
                zeros += body[i] == 0 ? 1 : 0;
            }
            assertThat(zeros).isGreaterThanOrEqualTo(16 * 1024).isLessThan(BYTES / 2);
        }
    }

    @Test
    void clientsThatReadNothingHoldUpNobody() throws Exception {
        List<RawConnection> idle = new ArrayList<>();
        try {
            for (int i = 0; i < 64; i++) {
                RawConnection connection = fixture.connect();
                idle.add(connection);
                connection.send("GET " + path + " HTTP/1.1\r\nHost: mirror.test\r\n\r\n");
            }
            try (RawConnection connection = fixture.connect()) {
                for (int i = 0; i < 100; i++) {
                    assertThat(connection.get("/v2/").status()).isEqualTo(200);
                }
            }
            assertThat(idle.getFirst().read(false).body()).isEqualTo(bytes);
        } finally {
            for (RawConnection connection : idle) {
                connection.close();
            }
        }
    }

    @Test
    void fastClientsSideBySideGetTheSame() throws Exception {
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Callable<byte[]> pull = () -> {
                try (RawConnection connection = fixture.connect()) {
                    return connection.get(path).body();
                }
            };
            for (Future<byte[]> body : threads.invokeAll(List.of(pull, pull, pull, pull))) {
                assertThat(body.get()).isEqualTo(bytes);
            }
        }
    }

    @Test
    void clientThatLeavesInTheMiddleIsSeenToHaveGone() throws Exception {
        RawConnection connection = fixture.connect();
        connection.send("GET " + path + " HTTP/1.1\r\nHost: mirror.test\r\n\r\n");
        assertThat(connection.socket().getInputStream().readNBytes(100_000)).hasSize(100_000);
        connection.socket().setSoLinger(true, 0);
        connection.close();
        RequestRecord seen = fixture.nextRecord();
        assertThat(seen.ending()).isEqualTo(Ending.GONE);
        assertThat(seen.bodyBytes()).isLessThan(BYTES);
    }

    @Test
    void fileThatEndsTooSoonCutsTheConnection() throws Exception {
        try (FileChannel file = FileChannel.open(folder.resolve("blob"), StandardOpenOption.WRITE)) {
            file.truncate(BYTES / 2);
        }
        fixture.repositories.trouble = Optional.of(position -> {
            if (position >= BYTES / 2) {
                throw new IOException("the disk is gone");
            }
        });
        try (RawConnection connection = fixture.connect()) {
            connection.send("GET " + path + " HTTP/1.1\r\nHost: mirror.test\r\n\r\n");
            assertThat(connection.socket().getInputStream().readAllBytes().length)
                    .isLessThan(BYTES);
        }
        assertThat(fixture.nextRecord().ending()).isEqualTo(Ending.CUT);
    }

    @Test
    void channelsOfClosedConnectionsAreForgotten() throws Exception {
        ConnectionChannels channels = new ConnectionChannels(
                SocketOptions.create(), 0, new SilenceWatchdog(Duration.ofMinutes(1), System::nanoTime));
        try (ServerSocketChannel server = ServerSocketChannel.open().bind(new InetSocketAddress("127.0.0.1", 0));
                Socket client = new Socket("127.0.0.1", ((InetSocketAddress) server.getLocalAddress()).getPort())) {
            SocketChannel accepted = server.accept();
            ConnectionChannels.Ends address =
                    new ConnectionChannels.Ends(client.getLocalSocketAddress(), client.getRemoteSocketAddress());
            channels.configureSocket(accepted);
            assertThat(channels.of(address)).containsSame(accepted);
            accepted.close();
            assertThat(channels.of(address)).isEmpty();
            channels.check();
            assertThat(channels.size()).isZero();
        }
    }

    @Test
    void portThatAClientTakesAgainAtOnceIsOneConnection() throws Exception {
        ConnectionChannels channels = new ConnectionChannels(
                SocketOptions.create(), 1, new SilenceWatchdog(Duration.ofMinutes(1), System::nanoTime));
        try (ServerSocketChannel server = ServerSocketChannel.open().bind(new InetSocketAddress("127.0.0.1", 0))) {
            InetSocketAddress address = (InetSocketAddress) server.getLocalAddress();
            int port = 0;
            for (int i = 0; i < 3; i++) {
                try (Socket client = new Socket()) {
                    client.setReuseAddress(true);
                    // Reset at its end, so that the system gives the port free.
                    client.setSoLinger(true, 0);
                    client.bind(new InetSocketAddress("127.0.0.1", port));
                    client.connect(address);
                    port = client.getLocalPort();
                    SocketChannel accepted = server.accept();
                    channels.configureSocket(accepted);
                    assertThat(accepted.isOpen()).isTrue();
                    client.close();
                    accepted.close();
                }
            }
        }
        assertThat(channels.refused()).isZero();
        assertThat(channels.size()).isOne();
        channels.check();
        assertThat(channels.size()).isZero();
    }
}
