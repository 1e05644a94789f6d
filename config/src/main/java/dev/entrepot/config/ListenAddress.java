package dev.entrepot.config;

import java.net.InetAddress;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Where a server listens: {@code host:port}, with IPv6 addresses in brackets; {@code :5000} is every interface.
 *
 * @param host host name or address without brackets, or empty for every interface
 * @param port 0 to 65535, where 0 is any free port
 */
public record ListenAddress(Optional<String> host, int port) {
    /** What the text may be. */
    static final String ALLOWED = "host:port, for example 127.0.0.1:5000, [::1]:5000, or :5000 for every interface";
    /** The grammar, for editors. */
    static final String GRAMMAR = "(\\[[0-9A-Fa-f:.]{2,45}\\]|[A-Za-z0-9._-]{0,253}):[0-9]{1,5}";

    // A name that ends in a number is one that nobody can have (RFC 1123, section 2.1): an address with a mistake in
    // it.
    private static final Pattern NUMBER_AT_THE_END = Pattern.compile("(?:.*\\.)?[0-9]+\\.?");
    private static final String LOCALHOST = "localhost";

    private static final Pattern TEXT =
            Pattern.compile("(?:\\[([0-9A-Fa-f:.]{2,45})]|([A-Za-z0-9._-]{0,253})):([0-9]{1,5})");

    /** Validates the port. */
    public ListenAddress {
        if (port < 0 || port > 65535) {
            throw new InvalidValueException("", "a port from 0 to 65535");
        }
    }

    /**
     * Parses {@code host:port}.
     *
     * @throws InvalidValueException if the text is not of that form, or looks like an address that there cannot be
     */
    public static ListenAddress parse(String text) {
        Matcher matcher = TEXT.matcher(text);
        if (!matcher.matches()) {
            throw new InvalidValueException("", ALLOWED);
        }
        String host = matcher.group(1) != null ? matcher.group(1) : matcher.group(2);
        boolean meansAddress =
                matcher.group(1) != null || NUMBER_AT_THE_END.matcher(host).matches();
        if (meansAddress && literal(host).isEmpty()) {
            throw new InvalidValueException("", ALLOWED + "; what is before the port is no IP address");
        }
        return new ListenAddress(Optional.of(host).filter(h -> !h.isEmpty()), Integer.parseInt(matcher.group(3)));
    }

    /** Whether only this machine can connect to it. */
    public boolean isLoopback() {
        return host.filter(ListenAddress::isLoopback).isPresent();
    }

    /** Whether a host is this machine, as far as its name or address alone shows it; IPv6 with or without brackets. */
    public static boolean isLoopback(String host) {
        return host.equalsIgnoreCase(LOCALHOST)
                || literal(host).filter(InetAddress::isLoopbackAddress).isPresent();
    }

    /**
     * Whether, as far as names and addresses alone show it, not both can be listened at. Every interface is all of
     * them, of IPv4 and of IPv6; localhost is both of its usual addresses.
     */
    boolean overlaps(ListenAddress other) {
        return port == other.port
                && port != 0
                && (isEveryInterface() || other.isEveryInterface() || isSameHost(other) || other.isSameHost(this));
    }

    private boolean isEveryInterface() {
        return host.isEmpty()
                || host.flatMap(ListenAddress::literal)
                        .filter(InetAddress::isAnyLocalAddress)
                        .isPresent();
    }

    private boolean isSameHost(ListenAddress other) {
        String own = host.orElse("");
        String others = other.host.orElse("");
        Optional<InetAddress> address = literal(others);
        return own.equalsIgnoreCase(others)
                || address.isPresent() && literal(own).equals(address)
                || own.equalsIgnoreCase(LOCALHOST)
                        && List.of("127.0.0.1", "::1").contains(others);
    }

    // With or without the brackets of IPv6; never asks DNS.
    private static Optional<InetAddress> literal(String host) {
        try {
            return Optional.of(InetAddress.ofLiteral(host));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    @Override
    public String toString() {
        return host.map(h -> h.indexOf(':') >= 0 ? "[" + h + "]" : h).orElse("") + ":" + port;
    }
}
