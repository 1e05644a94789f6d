package dev.entrepot.proxy.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Requests whose body nobody reads. */
@Timeout(30)
class UnreadBodiesTest {
    private static final int PIECE = 16 * 1024;
    private static final int PIECES = 16;
    private static final Duration LONG = Duration.ofSeconds(20);
    private static final Duration BRIEF = Duration.ofMillis(50);

    @ParameterizedTest
    @CsvSource({
        "PUT, /v2/library/a/manifests/v1, 405",
        "PATCH, /v2/library/a/blobs/uploads/x, 405",
        "PUT, /v2/library/a/manifests/.., 405",
        "GET, /v2/library/../a, 404",
        "GET, /v2/, 200"
    })
    void whoSendsItsBodyBeforeItReadsGetsTheAnswer(String method, String path, int status) throws Exception {
        try (ServerFixture server = new ServerFixture()) {
            for (String length : new String[] {"Content-Length: " + PIECES * PIECE, "Transfer-Encoding: chunked"}) {
                for (int time = 0; time < 10; time++) {
                    try (RawConnection client = server.connect()) {
                        client.send(method + " " + path + " HTTP/1.1\r\nHost: mirror.test\r\n" + length + "\r\n\r\n");
                        sendBody(client, length.startsWith("T"));
                        assertThat(client.read(false).status()).isEqualTo(status);
                        assertThat(client.input().read())
                                .as("the connection has ended")
                                .isEqualTo(-1);
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @CsvSource({
        "'no request at all', 400",
        "'GET /v2/ HTTP/1.1\\r\\nno header', 400",
        "'GET /v2/ HTTP/1.1\\r\\nHost: mirror.test\\r\\nX-Long: ', 400",
        "'GET /v2/ HTTP/1.1\\r\\nHost: mirror.test\\r\\nMANY', 431",
        "'PUT /v2/ HTTP/1.1\\r\\nHost: mirror.test\\r\\nTransfer-Encoding: gzip', 400",
        "'PUT /v2/ HTTP/1.0', 505",
    })
    void whoSendsMuchThatCannotBeReadGetsTheAnswer(String beginning, int status) throws Exception {
        String sent = beginning.replace("\\r\\n", "\r\n").replace("MANY", "X: y\r\n".repeat(300));
        try (ServerFixture server = new ServerFixture()) {
            for (int time = 0; time < 10; time++) {
                try (RawConnection client = server.connect()) {
                    client.send(sent.endsWith(" ") ? sent : sent + "\r\n\r\n");
                    sendBody(client, false);
                    assertThat(client.read(false).status()).isEqualTo(status);
                    assertThat(client.input().read())
                            .as("the connection has ended")
                            .isEqualTo(-1);
                }
            }
        }
    }

    private static void sendBody(RawConnection client, boolean chunked) throws IOException {
        String piece = "x".repeat(PIECE);
        for (int i = 0; i < PIECES; i++) {
            client.send(chunked ? Integer.toHexString(PIECE) + "\r\n" + piece + "\r\n" : piece);
        }
        if (chunked) {
            client.send("0\r\n\r\n");
        }
    }

    /** The two sides of one connection. */
    private record Connection(Socket client, SocketChannel server) implements AutoCloseable {
        static Connection open() throws IOException {
            try (ServerSocketChannel listening =
                    ServerSocketChannel.open().bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))) {
                InetSocketAddress address = (InetSocketAddress) listening.getLocalAddress();
                Socket client = new Socket(address.getAddress(), address.getPort());
                client.setTcpNoDelay(true);
                return new Connection(client, listening.accept());
            }
        }

        // Until the other side closes.
        Thread sendAlways(byte[] piece) {
            return Thread.ofVirtual().start(() -> {
                try {
                    OutputStream out = client.getOutputStream();
                    while (true) {
                        out.write(piece);
                    }
                } catch (IOException e) {
                    // It has closed.
                }
            });
        }

        @Override
        public void close() throws IOException {
            client.close();
            server.close();
        }
    }

    private static UnreadBodies bodies(Duration longest, int atOnce) {
        return new UnreadBodies(_ -> Optional.empty(), longest, atOnce);
    }

    @Test
    void noMoreIsReadThanIsAllowed() throws Exception {
        try (Connection connection = Connection.open()) {
            Thread sender = connection.sendAlways(new byte[PIECE]);
            assertThat(bodies(LONG, 1).drop(connection.server())).isEqualTo(UnreadBodies.MOST_BYTES);
            connection.server().close();
            sender.join();
        }
    }

    @Test
    void whoSendsSlowlyIsNotWaitedForByEachByte() throws Exception {
        try (Connection connection = Connection.open()) {
            Thread sender = connection.sendAlways(new byte[1]);
            assertThat(bodies(BRIEF, 1).drop(connection.server())).isBetween(0L, UnreadBodies.MOST_BYTES - 1L);
            connection.server().close();
            sender.join();
        }
    }

    @Test
    void whoSendsNothingIsToldThatThisIsTheEnd() throws Exception {
        try (Connection connection = Connection.open()) {
            assertThat(bodies(BRIEF, 1).drop(connection.server())).isZero();
            assertThat(connection.client().getInputStream().read()).isEqualTo(-1);
        }
    }

    @Test
    void whoClosesIsNotWaitedFor() throws Exception {
        try (Connection connection = Connection.open()) {
            connection.client().getOutputStream().write(new byte[10]);
            connection.client().shutdownOutput();
            assertThat(bodies(LONG, 1).drop(connection.server())).isEqualTo(10);
        }
    }

    @Test
    void aboveTheNumberAtOnceNothingIsDone() throws Exception {
        UnreadBodies bodies = bodies(LONG, 1);
        try (Connection first = Connection.open();
                Connection second = Connection.open()) {
            Thread waiting = Thread.ofVirtual().start(() -> bodies.drop(first.server()));
            assertThat(first.client().getInputStream().read())
                    .as("the first has its turn")
                    .isEqualTo(-1);
            second.client().getOutputStream().write(new byte[10]);
            assertThat(bodies.drop(second.server())).isZero();
            assertThat(second.server().write(ByteBuffer.wrap(new byte[1])))
                    .as("it is as it was")
                    .isEqualTo(1);
            first.client().close();
            waiting.join();
            second.client().shutdownOutput();
            assertThat(bodies.drop(second.server())).isEqualTo(10);
        }
    }
}
