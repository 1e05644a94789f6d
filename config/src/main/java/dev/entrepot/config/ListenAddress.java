package dev.entrepot.config;

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
     * @throws InvalidValueException if the text is not of that form
     */
    public static ListenAddress parse(String text) {
        Matcher matcher = TEXT.matcher(text);
        if (!matcher.matches()) {
            throw new InvalidValueException("", ALLOWED);
        }
        String host = matcher.group(1) != null ? matcher.group(1) : matcher.group(2);
        return new ListenAddress(Optional.of(host).filter(h -> !h.isEmpty()), Integer.parseInt(matcher.group(3)));
    }

    /** Whether only this machine can connect to it. */
    public boolean isLoopback() {
        return host.filter(ListenAddress::isLoopback).isPresent();
    }

    /** Whether a host is this machine, as far as its name or address alone shows it. */
    public static boolean isLoopback(String host) {
        return host.equalsIgnoreCase("localhost")
                || host.matches("127(\\.[0-9]{1,3}){3}")
                || host.equals("::1")
                || host.equals("[::1]");
    }

    @Override
    public String toString() {
        return host.map(h -> h.indexOf(':') >= 0 ? "[" + h + "]" : h).orElse("") + ":" + port;
    }
}
