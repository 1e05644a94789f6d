package dev.entrepot.proxy;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * Takes traces by OTLP over HTTP on a socket, and reads of the messages what tests ask for. The numbers are those of
 * the fields of opentelemetry-proto's trace.proto.
 */
final class OtlpReceiver implements AutoCloseable {
    /**
     * A span.
     *
     * @param parentId empty for a root
     * @param kind 1 internal, 2 server, 3 client
     * @param attributes all values as texts
     * @param links the spans that it links to
     */
    record Span(
            String traceId,
            String spanId,
            String parentId,
            String name,
            int kind,
            Map<String, String> attributes,
            List<String> links,
            boolean failed,
            boolean ended) {
        String attribute(String key) {
            return attributes.getOrDefault(key, "");
        }
    }

    /** What is told of each field of a message: its number, and its value or its bytes. */
    private interface Fields {
        void field(int number, long value, ByteBuffer bytes);
    }

    private final HttpServer server;
    private final List<Span> spans = new CopyOnWriteArrayList<>();
    private final List<Map<String, String>> resources = new CopyOnWriteArrayList<>();
    private final List<String> bodies = new CopyOnWriteArrayList<>();
    private final List<String> authorizations = new CopyOnWriteArrayList<>();

    private OtlpReceiver(HttpServer server) {
        this.server = server;
    }

    static OtlpReceiver started() throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        OtlpReceiver receiver = new OtlpReceiver(server);
        server.createContext("/v1/traces", receiver::take);
        server.start();
        return receiver;
    }

    String endpoint() {
        return "http://127.0.0.1:" + server.getAddress().getPort() + "/v1/traces";
    }

    private void take(HttpExchange exchange) throws IOException {
        byte[] body = exchange.getRequestBody().readAllBytes();
        bodies.add(new String(body, StandardCharsets.ISO_8859_1));
        authorizations.add(String.valueOf(exchange.getRequestHeaders().getFirst("Authorization")));
        read(
                ByteBuffer.wrap(body),
                (number, _, resourceSpans) -> read(resourceSpans, (part, _, bytes) -> {
                    if (part == 1) {
                        resources.add(attributes(bytes, 1));
                    } else if (part == 2) {
                        read(bytes, (inScope, _, span) -> {
                            if (inScope == 2) {
                                spans.add(span(span));
                            }
                        });
                    }
                }));
        exchange.getResponseHeaders().add("Content-Type", "application/x-protobuf");
        exchange.sendResponseHeaders(200, -1);
        exchange.close();
    }

    private static void read(ByteBuffer message, Fields fields) {
        ByteBuffer in = message.order(ByteOrder.LITTLE_ENDIAN);
        ByteBuffer none = ByteBuffer.allocate(0);
        while (in.hasRemaining()) {
            long tag = varint(in);
            int number = (int) (tag >>> 3);
            switch ((int) (tag & 7)) {
                case 0 -> fields.field(number, varint(in), none);
                case 1 -> fields.field(number, in.getLong(), none);
                case 2 -> {
                    int length = (int) varint(in);
                    fields.field(number, 0, in.slice(in.position(), length));
                    in.position(in.position() + length);
                }
                case 5 -> fields.field(number, in.getInt(), none);
                default -> throw new AssertionError("no protobuf");
            }
        }
    }

    private static long varint(ByteBuffer in) {
        long value = 0;
        for (int shift = 0; ; shift += 7) {
            byte next = in.get();
            value |= (long) (next & 0x7f) << shift;
            if (next >= 0) {
                return value;
            }
        }
    }

    private static Span span(ByteBuffer message) {
        Map<Integer, String> ids = new LinkedHashMap<>();
        List<String> links = new ArrayList<>();
        long[] numbers = new long[3];
        String[] name = {""};
        read(message.duplicate(), (number, value, bytes) -> {
            switch (number) {
                case 1, 2, 4 -> ids.put(number, hex(bytes));
                case 5 -> name[0] = text(bytes);
                case 6 -> numbers[0] = value;
                case 8 -> numbers[1] = value;
                case 13 ->
                    read(bytes, (inLink, _, id) -> {
                        if (inLink == 2) {
                            links.add(hex(id));
                        }
                    });
                case 15 ->
                    read(bytes, (inStatus, code, _) -> {
                        if (inStatus == 3) {
                            numbers[2] = code;
                        }
                    });
                default -> {}
            }
        });
        return new Span(
                ids.getOrDefault(1, ""),
                ids.getOrDefault(2, ""),
                ids.getOrDefault(4, ""),
                name[0],
                (int) numbers[0],
                attributes(message, 9),
                links,
                numbers[2] == 2,
                numbers[1] > 0);
    }

    private static Map<String, String> attributes(ByteBuffer message, int field) {
        Map<String, String> found = new LinkedHashMap<>();
        read(message.duplicate(), (number, _, pair) -> {
            if (number == field) {
                String[] parts = {"", ""};
                read(pair, (part, _, bytes) -> {
                    if (part == 1) {
                        parts[0] = text(bytes);
                    } else {
                        read(bytes, (kind, value, text) -> parts[1] = kind == 1 ? text(text) : Long.toString(value));
                    }
                });
                found.put(parts[0], parts[1]);
            }
        });
        return found;
    }

    private static String text(ByteBuffer bytes) {
        return StandardCharsets.UTF_8.decode(bytes.duplicate()).toString();
    }

    private static String hex(ByteBuffer bytes) {
        byte[] copy = new byte[bytes.remaining()];
        bytes.duplicate().get(copy);
        return HexFormat.of().formatHex(copy);
    }

    /** All that have come. */
    List<Span> spans() {
        return List.copyOf(spans);
    }

    /** The only span of a name. */
    Span span(String name) {
        List<Span> found =
                spans.stream().filter(span -> span.name().equals(name)).toList();
        if (found.size() != 1) {
            throw new AssertionError("one span " + name + ", not " + found.size() + " of " + spans);
        }
        return found.getFirst();
    }

    /** What the messages say of the sender. */
    List<Map<String, String>> resources() {
        return List.copyOf(resources);
    }

    /** The messages as they came, each byte a character. */
    String bodies() {
        return String.join("\n", bodies);
    }

    /** The values of {@code Authorization}. */
    List<String> authorizations() {
        return List.copyOf(authorizations);
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
