import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;

/**
 * Strangers who mean no good, in a process of their own. Run from its source:
 *
 * <pre>
 * java Strangers.java idle PORT COUNT      opens connections, says "open", and holds them until it is killed
 * java Strangers.java kept PORT COUNT      the same over TLS, eight at a time, with one request on each that is answered
 * java Strangers.java slow PORT COUNT      begins requests over TLS that never end, says "open", and "cut" when the server has cut all of them
 * </pre>
 */
public final class Strangers {
    private Strangers() {}

    public static void main(String[] arguments) throws Exception {
        InetSocketAddress server =
                new InetSocketAddress(InetAddress.getLoopbackAddress(), Integer.parseInt(arguments[1]));
        int count = Integer.parseInt(arguments[2]);
        switch (arguments[0]) {
            case "idle" -> idle(server, count);
            case "kept" -> kept(server, count);
            default -> slow(server, count);
        }
    }

    private static void idle(InetSocketAddress server, int count) throws Exception {
        List<SocketChannel> held = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            held.add(SocketChannel.open(server));
        }
        System.out.println("open");
        Thread.currentThread().join();
        System.out.println(held.size());
    }

    private static void kept(InetSocketAddress server, int count) throws Exception {
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, new TrustManager[] {new Credulous()}, new SecureRandom());
        Queue<SSLSocket> sockets = new ConcurrentLinkedQueue<>();
        AtomicInteger begun = new AtomicInteger();
        try (ExecutorService hands = Executors.newFixedThreadPool(8)) {
            List<Future<Void>> done = new ArrayList<>();
            for (int hand = 0; hand < 8; hand++) {
                done.add(hands.submit(() -> {
                    while (begun.getAndIncrement() < count) {
                        sockets.add(answered(context, server));
                    }
                    return null;
                }));
            }
            for (Future<Void> hand : done) {
                hand.get();
            }
        }
        System.out.println("open");
        Thread.currentThread().join();
        System.out.println(sockets.size());
    }

    private static SSLSocket answered(SSLContext context, InetSocketAddress server) throws IOException {
        SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket(server.getAddress(), server.getPort());
        socket.setSoTimeout(60_000);
        socket.getOutputStream().write("GET /v2/ HTTP/1.1\r\nHost: a\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
        if (socket.getInputStream().read() < 0) {
            throw new IOException("a connection was closed in place of an answer");
        }
        return socket;
    }

    private static void slow(InetSocketAddress server, int count) throws Exception {
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, new TrustManager[] {new Credulous()}, new SecureRandom());
        List<SSLSocket> sockets = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket(server.getAddress(), server.getPort());
            socket.setSoTimeout(60_000);
            socket.getOutputStream().write("GET /v2/ HTTP/1.1\r\nHost: a\r\nX-Slow: ".getBytes(StandardCharsets.US_ASCII));
            sockets.add(socket);
        }
        System.out.println("open");
        for (SSLSocket socket : sockets) {
            if (answer(socket).contains("200 OK")) {
                throw new IllegalStateException("half a request was answered");
            }
        }
        System.out.println("cut");
    }

    // Waiting for a minute without the end of the connection is an error; a reset is an end.
    private static String answer(SSLSocket socket) throws IOException {
        try (socket) {
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
        } catch (java.net.SocketTimeoutException e) {
            throw e;
        } catch (IOException e) {
            return "";
        }
    }

    private static final class Credulous implements X509TrustManager {
        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type) {}

        @Override
        public X509Certificate[] getAcceptedIssuers() {
            return new X509Certificate[0];
        }
    }
}
