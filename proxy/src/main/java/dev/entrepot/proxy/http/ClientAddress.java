package dev.entrepot.proxy.http;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * One client, as far as its address shows: an IPv4 address, or the first 64 bits of an IPv6 address, of which one
 * client may have all.
 *
 * @param bits those bits
 */
public record ClientAddress(long bits) {
    /** The client behind an address. What has none is one client. */
    public static ClientAddress of(@Nullable SocketAddress address) {
        InetAddress inet = address instanceof InetSocketAddress socket ? socket.getAddress() : null;
        if (inet == null) {
            return new ClientAddress(0);
        }
        byte[] bytes = inet instanceof Inet6Address ? Arrays.copyOf(inet.getAddress(), Long.BYTES) : inet.getAddress();
        long bits = inet instanceof Inet6Address ? 1 : 0;
        for (byte b : bytes) {
            bits = bits << 8 | b & 0xff;
        }
        return new ClientAddress(bits);
    }
}
