package dev.entrepot.proxy.replication;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(30)
class RunningServerTest {
    @TempDir
    private Path folder;

    // Says who it is once, and ends each other connection once its headers have come and it has given that answer.
    private static void serveOnce(ServerSocket listening, String others, boolean stalling) {
        boolean first = true;
        while (!listening.isClosed()) {
            try (Socket client = listening.accept()) {
                BufferedReader lines =
                        new BufferedReader(new InputStreamReader(client.getInputStream(), StandardCharsets.US_ASCII));
                String line = lines.readLine();
                while (line != null && !line.isEmpty()) {
                    line = lines.readLine();
                }
                if (first) {
                    String body = "{\"instance\":\"one\"}";
                    client.getOutputStream()
                            .write(("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: " + body.length()
                                            + "\r\n\r\n" + body)
                                    .getBytes(StandardCharsets.US_ASCII));
                } else {
                    client.getOutputStream().write(others.getBytes(StandardCharsets.US_ASCII));
                    if (stalling) {
                        client.getInputStream().read();
                    }
                }
                first = false;
            } catch (IOException e) {
                return;
            }
        }
    }

    @Test
    void serverThatWentAwayIsNamedAsThat() throws Exception {
        try (ServerSocket listening = new ServerSocket(0, 10, InetAddress.getLoopbackAddress())) {
            URI url = URI.create("http://127.0.0.1:" + listening.getLocalPort());
            new ServerNote(url, "one", "", Optional.empty(), Optional.empty()).write(folder);
            Thread.ofVirtual().start(() -> serveOnce(listening, "", false));
            try (RunningServer server = RunningServer.find(folder).orElseThrow()) {
                assertThatThrownBy(() -> server.sync("rule", Optional.empty(), progress -> {}))
                        .isInstanceOf(IOException.class)
                        .hasMessageStartingWith("the server at " + url + " went away before it answered")
                        .hasMessageEndingWith("; look at its log, and whether it runs")
                        .hasMessageNotContaining("null");
                listening.close();
                assertThatThrownBy(() -> server.get("/replication"))
                        .hasMessage("the server at " + url
                                + " went away before it answered; look at its log, and whether it runs");
            }
        }
    }

    @Test
    void answerThatDoesNotComeToItsEndIsGivenUp() throws Exception {
        try (ServerSocket listening = new ServerSocket(0, 10, InetAddress.getLoopbackAddress())) {
            URI url = URI.create("http://127.0.0.1:" + listening.getLocalPort());
            new ServerNote(url, "one", "", Optional.empty(), Optional.empty()).write(folder);
            String head = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{";
            Thread.ofVirtual().start(() -> serveOnce(listening, head, true));
            try (RunningServer server =
                    RunningServer.find(folder, Duration.ofSeconds(1)).orElseThrow()) {
                assertThatThrownBy(() -> server.get("/replication"))
                        .hasMessage("the server at " + url + " has not answered in time; its log may say why");
            }
        }
    }
}
