package dev.entrepot.oci.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.testing.OwnCertificate;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Function;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Requests that go through a proxy that opens tunnels. */
@Timeout(30)
class TunnelTest {
    private static final String INDEX = "{\"schemaVersion\":2,\"manifests\":[]}";
    private static final String ANSWER =
            "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.oci.image.index.v1+json\r\nContent-Length: "
                    + INDEX.length() + "\r\n\r\n" + INDEX;
    private static final String TOO_LATE =
            "HTTP/1.1 408 Request Time-out\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    private static final Tag TAG = new Tag("a");

    private static OwnCertificate certificate;

    @TempDir
    static Path folder;

    private final TestWorld world = new TestWorld();

    @BeforeAll
    static void makeCertificate() throws Exception {
        certificate = OwnCertificate.in(folder);
    }

    private static final String OPENED = "HTTP/1.1 200 OK\r\n\r\n";

    private RegistryClient client(Proxied proxied, String user) throws IOException {
        return new RegistryClient(
                TestWorld.endpoint("https://localhost:" + proxied.registry.getLocalPort())
                        .withTls(TlsSettings.DEFAULT.withAuthorities(certificate.pem()))
                        .withHttpProxy(proxied.proxyUrl(user)),
                world.environment());
    }

    private static String fetched(RegistryClient client) throws IOException {
        return new String(client.repository(TestWorld.NAME).fetchManifest(TAG).array(), StandardCharsets.UTF_8);
    }

    @Test
    void refusalThatCrossesARequestInAKeptTunnelHasItSentThroughANewOne() throws IOException {
        try (Proxied proxied = new Proxied(head -> OPENED, number -> number == 2 ? TOO_LATE : ANSWER);
                RegistryClient client = client(proxied, "")) {
            assertThat(fetched(client)).isEqualTo(INDEX);
            assertThat(fetched(client)).isEqualTo(INDEX);

            assertThat(proxied.requests).hasSize(3);
            assertThat(proxied.connects).hasSize(2);
            assertThat(world.pauses).isEmpty();
        }
    }

    @Test
    void requestInAKeptTunnelThatIsClosedIsSentThroughANewOne() throws IOException {
        try (Proxied proxied = new Proxied(head -> OPENED, number -> number == 2 ? "" : ANSWER);
                RegistryClient client = client(proxied, "")) {
            assertThat(fetched(client)).isEqualTo(INDEX);
            assertThat(fetched(client)).isEqualTo(INDEX);

            assertThat(proxied.connects).hasSize(2);
        }
    }

    @Test
    void refusalOfTheFirstRequestInATunnelIsAnAnswerToIt() throws IOException {
        try (Proxied proxied = new Proxied(head -> OPENED, number -> TOO_LATE);
                RegistryClient client = client(proxied, "")) {
            assertThatThrownBy(() -> fetched(client)).isInstanceOf(OutageException.class);

            assertThat(proxied.requests).hasSize(1);
        }
    }

    @Test
    void refusalOfTheFirstRequestInATunnelThatCostAPasswordIsAnAnswerToIt() throws IOException {
        try (Proxied proxied = new Proxied(
                        head -> head.contains("Proxy-Authorization: Basic ")
                                ? OPENED
                                : "HTTP/1.1 407 X\r\nProxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n",
                        number -> TOO_LATE);
                RegistryClient client = client(proxied, "me:secret@")) {
            assertThatThrownBy(() -> fetched(client)).isInstanceOf(OutageException.class);

            assertThat(proxied.connects).hasSize(2);
            assertThat(proxied.requests).hasSize(1);
        }
    }

    @Test
    void proxyThatGivesUpWaitingIsAnOutage() throws IOException {
        try (Proxied proxied = new Proxied(head -> TOO_LATE, number -> ANSWER);
                RegistryClient client = client(proxied, "")) {
            assertThatThrownBy(() -> fetched(client)).isInstanceOf(OutageException.class);

            assertThat(proxied.requests).isEmpty();
        }
    }

    /**
     * A proxy and the registry behind it. Each tunnel is joined to a new connection of the registry.
     *
     * <p>The registry closes the connection when the answer to a request is empty.
     */
    private static final class Proxied implements AutoCloseable {
        private final ServerSocket proxy = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        private final ServerSocket registry =
                certificate.sockets().createServerSocket(0, 50, InetAddress.getLoopbackAddress());
        private final Set<Socket> open = ConcurrentHashMap.newKeySet();
        private final Function<String, String> proxyAnswers;
        private final Function<Integer, String> answers;
        final List<String> connects = new CopyOnWriteArrayList<>();
        final List<String> requests = new CopyOnWriteArrayList<>();

        /** By the head of the request to the proxy, and by the number of the request to the registry, from 1 on. */
        Proxied(Function<String, String> proxyAnswers, Function<Integer, String> answers) throws IOException {
            this.proxyAnswers = proxyAnswers;
            this.answers = answers;
            Thread.ofVirtual().start(() -> accept(proxy, this::tunnel));
            Thread.ofPlatform().daemon().start(() -> accept(registry, this::serve));
        }

        private interface Serving {
            void serve(Socket socket) throws IOException;
        }

        private void accept(ServerSocket listener, Serving serving) {
            try {
                while (true) {
                    Socket socket = listener.accept();
                    open.add(socket);
                    Thread.ofPlatform().daemon().start(() -> {
                        try (socket) {
                            serving.serve(socket);
                        } catch (IOException e) {
                            open.remove(socket);
                        }
                    });
                }
            } catch (IOException e) {
                return;
            }
        }

        private void tunnel(Socket socket) throws IOException {
            while (true) {
                String head = head(socket.getInputStream());
                if (head.isEmpty()) {
                    return;
                }
                connects.add(head);
                String answer = proxyAnswers.apply(head);
                socket.getOutputStream().write(answer.getBytes(StandardCharsets.US_ASCII));
                if (answer.startsWith("HTTP/1.1 200")) {
                    join(socket);
                    return;
                }
                if (answer.contains("close")) {
                    return;
                }
            }
        }

        private void join(Socket socket) throws IOException {
            try (Socket inner = new Socket(InetAddress.getLoopbackAddress(), registry.getLocalPort())) {
                open.add(inner);
                Thread.ofPlatform().daemon().start(() -> {
                    try (socket) {
                        inner.getInputStream().transferTo(socket.getOutputStream());
                    } catch (IOException e) {
                        open.remove(inner);
                    }
                });
                socket.getInputStream().transferTo(inner.getOutputStream());
            }
        }

        private void serve(Socket socket) throws IOException {
            while (true) {
                String head = head(socket.getInputStream());
                if (head.isEmpty()) {
                    return;
                }
                requests.add(head);
                String answer = answers.apply(requests.size());
                if (answer.isEmpty()) {
                    return;
                }
                socket.getOutputStream().write(answer.getBytes(StandardCharsets.US_ASCII));
            }
        }

        private static String head(InputStream in) throws IOException {
            StringBuilder head = new StringBuilder();
            for (int b = in.read(); b >= 0; b = in.read()) {
                head.append((char) b);
                if (head.length() >= 4 && head.substring(head.length() - 4).equals("\r\n\r\n")) {
                    return head.toString();
                }
            }
            return "";
        }

        URI proxyUrl(String user) {
            return URI.create("http://" + user + "localhost:" + proxy.getLocalPort());
        }

        @Override
        public void close() throws IOException {
            proxy.close();
            registry.close();
            for (Socket socket : open) {
                socket.close();
            }
        }
    }
}
