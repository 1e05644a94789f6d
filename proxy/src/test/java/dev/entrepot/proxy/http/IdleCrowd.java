package dev.entrepot.proxy.http;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;

/**
 * A program that opens many connections, sends nothing, says how many of them the server has left open, and holds them
 * until it is killed: in a process of its own, because one may not have so many files open at both ends.
 */
final class IdleCrowd {
    private IdleCrowd() {}

    /** What it says when the server holds so many. */
    static String held(int count) {
        return "held: " + count;
    }

    /** Opens so many connections to a port of this machine. */
    public static void main(String[] arguments) throws Exception {
        InetSocketAddress address =
                new InetSocketAddress(InetAddress.getLoopbackAddress(), Integer.parseInt(arguments[0]));
        int count = Integer.parseInt(arguments[1]);
        try (Selector held = Selector.open()) {
            for (int i = 0; i < count; i++) {
                SocketChannel channel = SocketChannel.open(address);
                channel.configureBlocking(false);
                channel.register(held, SelectionKey.OP_READ);
            }
            ask(address);
            // Nothing was asked on them, so that what can be read is their end.
            System.out.println(held(count - held.selectNow()));
            Thread.currentThread().join();
        }
    }

    // The server takes connections in their order: once this one has its answer, all before have been taken.
    private static void ask(InetSocketAddress address) throws IOException {
        try (Socket socket = new Socket(address.getAddress(), address.getPort())) {
            socket.getOutputStream()
                    .write("GET /v2/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
                            .getBytes(StandardCharsets.US_ASCII));
            if (socket.getInputStream().readAllBytes().length == 0) {
                throw new IOException("closed in place of an answer");
            }
        }
    }
}
