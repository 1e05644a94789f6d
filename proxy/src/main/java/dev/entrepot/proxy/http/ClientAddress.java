package dev.entrepot.proxy.http;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import org.jspecify.annotations.Nullable;

/**
 * One client, as far as its address shows: an IPv4 address, or the first 64 bits of an IPv6 address, of which one
 * client may have all.
 *
 * @param family the bytes that its addresses have, 4 or 16; 0 for what has none
 * @param bits those bits
 */
public record ClientAddress(int family, long bits) {
    /** The client behind an address. What has none is one client. */
    public static ClientAddress of(@Nullable SocketAddress address) {
        InetAddress inet = address instanceof InetSocketAddress socket ? socket.getAddress() : null;
        if (inet == null) {
            return new ClientAddress(0, 0);
        }
        byte[] bytes = inet.getAddress();
        long bits = 0;
        for (int i = 0; i < Math.min(bytes.length, Long.BYTES); i++) {
            bits = bits << 8 | bytes[i] & 0xff;
        }
        return new ClientAddress(bytes.length, bits);
    }
}
