package dev.entrepot.proxy.http;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.List;

/** A program that opens many connections, says so, and holds them until it is killed: in a process of its own, because one may not have so many files open at both ends. */
final class IdleCrowd {
    /** What it says when all are open. */
    static final String OPEN = "all are open";

    private IdleCrowd() {}

    /** Opens so many connections to a port of this machine. */
    public static void main(String[] arguments) throws Exception {
        InetSocketAddress address =
                new InetSocketAddress(InetAddress.getLoopbackAddress(), Integer.parseInt(arguments[0]));
        List<SocketChannel> held = new ArrayList<>();
        for (int i = 0; i < Integer.parseInt(arguments[1]); i++) {
            held.add(SocketChannel.open(address));
        }
        System.out.println(OPEN);
        Thread.currentThread().join();
        System.out.println(held.size());
    }
}
