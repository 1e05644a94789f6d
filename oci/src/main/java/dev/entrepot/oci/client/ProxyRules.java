package dev.entrepot.oci.client;

import java.io.IOException;
import java.net.InetAddress;
import java.net.URI;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.apache.hc.core5.http.HttpHost;

/**
 * Which HTTP proxy a request goes through: the configured one, else what {@code https_proxy}, {@code http_proxy},
 * {@code all_proxy} and {@code no_proxy} say. In {@code no_proxy}: names with all below them, {@code host:port},
 * addresses, address ranges, {@code *}.
 */
final class ProxyRules {
    private static final int LAST_PORT = 65_535;

    private final Optional<URI> configured;
    private final Optional<URI> forHttp;
    private final Optional<URI> forHttps;
    private final List<String> exceptions;

    /**
     * The rules.
     *
     * @param configured the proxy for all requests; the variables say nothing then
     * @throws IOException if a variable that counts names no proxy that can be used: going past it is not what was
     *     wanted; the message names the variable, and not its value, which may have a password
     */
    ProxyRules(Optional<URI> configured, Map<String, String> variables) throws IOException {
        this.configured = configured;
        String except = variables.getOrDefault("no_proxy", variables.getOrDefault("NO_PROXY", ""));
        this.exceptions = Arrays.stream(except.split("[,\\s]+"))
                .filter(text -> !text.isEmpty())
                .map(text -> text.toLowerCase(Locale.ROOT))
                .toList();
        boolean none = configured.isPresent() || exceptions.contains("*");
        this.forHttp = none ? Optional.empty() : variable(variables, "http_proxy");
        this.forHttps = none ? Optional.empty() : variable(variables, "https_proxy");
    }

    /** No proxy: all connections are direct. */
    static ProxyRules direct() {
        return new ProxyRules();
    }

    private ProxyRules() {
        this.configured = Optional.empty();
        this.forHttp = Optional.empty();
        this.forHttps = Optional.empty();
        this.exceptions = List.of();
    }

    private static Optional<URI> variable(Map<String, String> variables, String name) throws IOException {
        // The upper-case HTTP_PROXY is not read: a CGI server sets it from a request header.
        String upper = name.equals("http_proxy") ? name : name.toUpperCase(Locale.ROOT);
        for (String candidate : List.of(name, upper, "all_proxy", "ALL_PROXY")) {
            String value = variables.get(candidate);
            if (value != null) {
                return value.isBlank() ? Optional.empty() : Optional.of(proxyUri(candidate, value.strip()));
            }
        }
        return Optional.empty();
    }

    private static URI proxyUri(String name, String text) throws IOException {
        try {
            URI uri = URI.create(text.contains("://") ? text : "http://" + text);
            boolean plain = uri.getPath().isEmpty() || uri.getPath().equals("/");
            // With one of these in a password that is not escaped, the user would be the host.
            boolean whole = plain && uri.getRawQuery() == null && uri.getRawFragment() == null;
            if ("http".equalsIgnoreCase(uri.getScheme())
                    && uri.getHost() != null
                    && uri.getPort() <= LAST_PORT
                    && whole) {
                return uri;
            }
        } catch (IllegalArgumentException e) {
            // It would quote the value.
            throw unusable(name);
        }
        throw unusable(name);
    }

    private static IOException unusable(String name) {
        return new IOException("the environment variable " + name + " names no proxy that can be used: it is"
                + " http://HOST:PORT, or http://USER:PASSWORD@HOST:PORT with what is special in them as %XX, also for"
                + " registries that are asked by https");
    }

    /** The proxy for a target, user information included, or empty for a direct connection. */
    Optional<URI> proxyFor(Origin target) {
        if (configured.isPresent()) {
            return configured;
        }
        Optional<URI> proxy = target.isSecure() ? forHttps : forHttp;
        return isException(target) ? Optional.empty() : proxy;
    }

    /** All proxies that may be used. */
    List<URI> all() {
        return configured.isPresent()
                ? List.of(configured.get())
                : List.of(forHttp, forHttps).stream()
                        .flatMap(Optional::stream)
                        .distinct()
                        .toList();
    }

    /** The address of a proxy. */
    static HttpHost address(URI proxy) {
        return new HttpHost("http", proxy.getHost(), proxy.getPort() < 0 ? 80 : proxy.getPort());
    }

    private boolean isException(Origin target) {
        Optional<InetAddress> address = AddressPolicy.literal(target.host());
        if (target.host().equals("localhost")
                || address.filter(InetAddress::isLoopbackAddress).isPresent()) {
            return true;
        }
        return exceptions.stream().anyMatch(exception -> matches(exception, target, address));
    }

    private static boolean matches(String exception, Origin target, Optional<InetAddress> address) {
        if (exception.equals("*")) {
            return true;
        }
        if (exception.indexOf('/') > 0) {
            return address.filter(a -> inRange(a, exception)).isPresent();
        }
        String host = exception;
        int colon = exception.lastIndexOf(':');
        if (colon > 0 && exception.indexOf(':') == colon) {
            if (!exception.substring(colon + 1).equals(Integer.toString(target.port()))) {
                return false;
            }
            host = exception.substring(0, colon);
        }
        String name = Origin.bareHost(
                host.startsWith("*.") ? host.substring(2) : host.startsWith(".") ? host.substring(1) : host);
        return target.host().equals(name) || address.isEmpty() && target.host().endsWith("." + name);
    }

    private static boolean inRange(InetAddress address, String range) {
        int slash = range.indexOf('/');
        Optional<InetAddress> network = AddressPolicy.literal(range.substring(0, slash));
        byte[] own = address.getAddress();
        if (network.isEmpty() || network.get().getAddress().length != own.length) {
            return false;
        }
        byte[] base = network.get().getAddress();
        int bits;
        try {
            bits = Integer.parseInt(range.substring(slash + 1));
        } catch (NumberFormatException e) {
            return false;
        }
        for (int i = 0; i < Math.min(bits, own.length * 8); i++) {
            int mask = 0x80 >> i % 8;
            if ((own[i / 8] & mask) != (base[i / 8] & mask)) {
                return false;
            }
        }
        return true;
    }
}
