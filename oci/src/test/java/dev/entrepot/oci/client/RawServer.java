package dev.entrepot.oci.client;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * An HTTP/1.1 server without manners: it does to a connection what its handler says. One request per connection unless
 * it answers.
 */
final class RawServer implements AutoCloseable {
    /** Deals with one request. */
    @FunctionalInterface
    interface Handler {
        /** May answer, reset, or leave the connection open. */
        void handle(Request request) throws IOException;
    }

    private final ServerSocket listener;
    private final Handler handler;
    private final Set<Socket> open = ConcurrentHashMap.newKeySet();

    /** Method and path of each request, in order of arrival. */
    final List<String> requests = new CopyOnWriteArrayList<>();

    RawServer(Handler handler) throws IOException {
        this.handler = handler;
        this.listener = new ServerSocket();
        // Small, so that a client soon notices that nobody reads.
        listener.setReceiveBufferSize(64 * 1024);
        listener.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 50);
        Thread.ofVirtual().start(this::accept);
    }

    String url() {
        return "http://localhost:" + listener.getLocalPort();
    }

    private void accept() {
        try {
            while (true) {
                Socket socket = listener.accept();
                // What is written is at the client when the write returns.
                socket.setTcpNoDelay(true);
                open.add(socket);
                Thread.ofVirtual().start(() -> serve(socket));
            }
        } catch (IOException e) {
            return;
        }
    }

    private void serve(Socket socket) {
        try {
            InputStream in = new BufferedInputStream(socket.getInputStream());
            for (boolean first = true; ; first = false) {
                String start = line(in);
                if (start.isEmpty()) {
                    socket.close();
                    return;
                }
                Map<String, String> headers = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
                for (String line = line(in); !line.isEmpty(); line = line(in)) {
                    int colon = line.indexOf(':');
                    headers.put(
                            line.substring(0, colon), line.substring(colon + 1).strip());
                }
                String[] words = start.split(" ");
                requests.add(words[0] + " " + words[1]);
                Request request = new Request(words[0], words[1], headers, in, socket, first);
                handler.handle(request);
                if (!request.answered) {
                    return;
                }
            }
        } catch (IOException e) {
            open.remove(socket);
        }
    }

    private static String line(InputStream in) throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        for (int b = in.read(); b >= 0 && b != '\n'; b = in.read()) {
            line.write(b);
        }
        return line.toString(StandardCharsets.ISO_8859_1).strip();
    }

    @Override
    public void close() throws IOException {
        listener.close();
        for (Socket socket : open) {
            socket.close();
        }
    }

    /** A request whose body is still on the wire. */
    static final class Request {
        final String method;
        final String path;
        final Map<String, String> headers;
        private final InputStream in;
        private final Socket socket;
        private final boolean first;
        private boolean answered;

        private Request(
                String method, String path, Map<String, String> headers, InputStream in, Socket socket, boolean first) {
            this.method = method;
            this.path = path;
            this.headers = headers;
            this.in = in;
            this.socket = socket;
            this.first = first;
        }

        /** Whether it is the first of its connection. */
        boolean isFirst() {
            return first;
        }

        boolean is(String wanted) {
            return method.equals(wanted.substring(0, wanted.indexOf(' ')))
                    && path.startsWith(wanted.substring(wanted.indexOf(' ') + 1));
        }

        int contentLength() {
            return Integer.parseInt(headers.getOrDefault("Content-Length", "0"));
        }

        /** Reads that many bytes of the body, or fewer if the client ends. */
        byte[] read(int count) throws IOException {
            return in.readNBytes(count);
        }

        byte[] readAll() throws IOException {
            return read(contentLength());
        }

        /** Answers with a body of which the length is stated. Header fields as {@code Name: value}. */
        void answer(int status, String body, String... fields) throws IOException {
            byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
            boolean bodiless = method.equals("HEAD") || status == 204;
            StringBuilder head = new StringBuilder();
            for (String field : fields) {
                head.append(field).append("\r\n");
            }
            if (!bodiless && !head.toString().toLowerCase(Locale.ROOT).contains("content-length")) {
                head.append("Content-Length: ").append(bytes.length).append("\r\n");
            }
            write("HTTP/1.1 " + status + " X\r\n" + head + "\r\n");
            if (!bodiless) {
                socket.getOutputStream().write(bytes);
            }
            socket.getOutputStream().flush();
            answered = true;
        }

        /** Writes text as it is, after which the next request is read. */
        void answerAsIs(String text) throws IOException {
            write(text);
            answered = true;
        }

        /** Writes text as it is. */
        void write(String text) throws IOException {
            OutputStream out = socket.getOutputStream();
            out.write(text.getBytes(StandardCharsets.UTF_8));
            out.flush();
        }

        /** Ends the connection as after an answer. */
        void end() throws IOException {
            socket.close();
        }

        /** Cuts the connection so that the client sees a reset. */
        void reset() throws IOException {
            socket.setSoLinger(true, 0);
            socket.close();
        }
    }
}
