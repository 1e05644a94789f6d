package dev.entrepot.oci.client;

import java.net.URI;
import java.util.Locale;

/**
 * Scheme, host and port of a URL: what decides whether credentials may follow (RFC 6454).
 *
 * @param scheme {@code http} or {@code https}
 * @param host in lower case, without the brackets of an IPv6 address
 * @param port never -1
 */
record Origin(String scheme, String host, int port) {
    private static final int MAX_PORT = 65_535;

    /**
     * The origin of an absolute URL with a host.
     *
     * @throws IllegalArgumentException if it is none, or not HTTP, or its port is above 65535
     */
    static Origin of(URI url) {
        String scheme = url.getScheme() == null ? "" : url.getScheme().toLowerCase(Locale.ROOT);
        String host = url.getHost();
        if (host == null || !(scheme.equals("http") || scheme.equals("https"))) {
            throw new IllegalArgumentException("not an http(s) URL with a host");
        }
        if (url.getPort() > MAX_PORT) {
            throw new IllegalArgumentException("a port above " + MAX_PORT);
        }
        int port = url.getPort() >= 0 ? url.getPort() : scheme.equals("https") ? 443 : 80;
        return new Origin(scheme, bareHost(host), port);
    }

    /** A host as it is compared: lower case, no brackets, no dot at the end. */
    static String bareHost(String host) {
        String lower = host.toLowerCase(Locale.ROOT);
        if (lower.startsWith("[") && lower.endsWith("]")) {
            return lower.substring(1, lower.length() - 1);
        }
        return lower.endsWith(".") ? lower.substring(0, lower.length() - 1) : lower;
    }

    boolean isSecure() {
        return scheme.equals("https");
    }

    @Override
    public String toString() {
        return scheme + "://" + (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + port;
    }
}
