package dev.entrepot.oci.client;

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
    private final Optional<URI> configured;
    private final Optional<URI> forHttp;
    private final Optional<URI> forHttps;
    private final List<String> exceptions;

    ProxyRules(Optional<URI> configured, Map<String, String> variables) {
        this.configured = configured;
        this.forHttp = variable(variables, "http_proxy");
        this.forHttps = variable(variables, "https_proxy");
        String except = variables.getOrDefault("no_proxy", variables.getOrDefault("NO_PROXY", ""));
        this.exceptions = Arrays.stream(except.split("[,\\s]+"))
                .filter(text -> !text.isEmpty())
                .map(text -> text.toLowerCase(Locale.ROOT))
                .toList();
    }

    // The upper-case HTTP_PROXY is not read: a CGI server sets it from a request header.
    private static Optional<URI> variable(Map<String, String> variables, String name) {
        String upper = name.toUpperCase(Locale.ROOT);
        return Optional.ofNullable(variables.get(name))
                .or(() -> upper.equals("HTTP_PROXY") ? Optional.empty() : Optional.ofNullable(variables.get(upper)))
                .or(() -> Optional.ofNullable(variables.get("all_proxy")))
                .or(() -> Optional.ofNullable(variables.get("ALL_PROXY")))
                .filter(text -> !text.isBlank())
                .map(text -> text.contains("://") ? text : "http://" + text)
                .flatMap(ProxyRules::proxyUri);
    }

    private static Optional<URI> proxyUri(String text) {
        try {
            return Optional.of(URI.create(text.strip()))
                    .filter(uri -> "http".equalsIgnoreCase(uri.getScheme()) && uri.getHost() != null);
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
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
