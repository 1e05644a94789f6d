package dev.entrepot.config;

import dev.entrepot.oci.InvalidNameException;
import dev.entrepot.oci.RegistryHost;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.Locale;

/** The URLs that the file may have. None may carry credentials, and none is shown with what could be some. */
final class UrlTypes {
    private static final String ROOT_ALLOWED =
            "http:// or https:// with a host and, where needed, a port; no user, path or query";
    private static final String PROXY_ALLOWED =
            "http:// with a host and a port; no user, path or query. For a proxy that wants a password leave the key out,"
                    + " and set the environment variable https_proxy (http_proxy for registries at http://) to"
                    + " http://USER:PASSWORD@HOST:PORT";
    private static final String ANY_ALLOWED = "a URL that starts with http:// or https:// and names no user";

    /** Where a registry's API is. */
    static final ScalarType<URI> REGISTRY = ScalarType.of(
                    "url",
                    ROOT_ALLOWED,
                    UrlTypes::root,
                    URI::toString,
                    JsonForm.pattern("[hH][tT][tT][pP][sS]?://[^/?#@]+/?"))
            .masked(UrlTypes::mask);

    /** An HTTP proxy. */
    static final ScalarType<URI> PROXY = ScalarType.of(
                    "url", PROXY_ALLOWED, UrlTypes::proxy, URI::toString, JsonForm.pattern("http://[^/?#@]+:[0-9]+/?"))
            .masked(UrlTypes::mask);

    /** A place to post events to. */
    static final ScalarType<URI> WEBHOOK = ScalarType.of(
                    "url",
                    ANY_ALLOWED,
                    UrlTypes::any,
                    UrlTypes::withoutQuery,
                    JsonForm.pattern("https?://[^/?#@]+([/?][^#]*)?"))
            .masked(UrlTypes::mask);

    private UrlTypes() {}

    /**
     * Host and port of a URL of a registry, for comparing: all names of this machine are one, other hosts go by their
     * name.
     */
    static String endpoint(URI url) {
        String name = url.getHost().toLowerCase(Locale.ROOT);
        boolean here = name.equals("localhost") || name.equals("[::1]") || name.matches("127(\\.[0-9]{1,3}){3}");
        String host = here ? "localhost" : name;
        int implied = "https".equals(url.getScheme()) ? 443 : 80;
        int port = url.getPort() < 0 ? implied : url.getPort();
        return host + ":" + port;
    }

    private static URI root(String text) {
        return root(text, ROOT_ALLOWED);
    }

    private static URI root(String text, String allowed) {
        URI url = parse(text, allowed);
        String path = url.getRawPath();
        boolean bare = (path.isEmpty() || path.equals("/")) && url.getRawQuery() == null;
        if (!bare) {
            throw new InvalidValueException("", allowed);
        }
        try {
            RegistryHost host = RegistryHost.parse(url.getRawAuthority());
            return URI.create(url.getScheme().toLowerCase(Locale.ROOT) + "://" + host);
        } catch (InvalidNameException e) {
            throw new InvalidValueException("", allowed);
        }
    }

    private static URI proxy(String text) {
        URI url = root(text, PROXY_ALLOWED);
        if (!"http".equals(url.getScheme()) || url.getPort() < 0) {
            throw new InvalidValueException("", PROXY_ALLOWED);
        }
        return url;
    }

    private static URI any(String text) {
        return parse(text, ANY_ALLOWED);
    }

    private static URI parse(String text, String allowed) {
        try {
            URI url = new URI(text);
            boolean http = "http".equalsIgnoreCase(url.getScheme()) || "https".equalsIgnoreCase(url.getScheme());
            if (!http || url.getHost() == null || url.getRawUserInfo() != null || url.getRawFragment() != null) {
                throw new InvalidValueException("", allowed);
            }
            return url;
        } catch (URISyntaxException e) {
            throw new InvalidValueException("", allowed);
        }
    }

    // Of a URL that was read, which names no user.
    private static String withoutQuery(URI url) {
        String text = url.toString();
        int query = text.indexOf('?');
        return query < 0 ? text : text.substring(0, query + 1) + Secret.MASK;
    }

    // Of any text. An @ behind a ? may be in a query, or end a password that has the ?: neither is shown. As with a #.
    private static String mask(String text) {
        int slashes = text.indexOf("://");
        String scheme = slashes < 0 ? "" : text.substring(0, slashes + 3);
        int query = firstOf(text, '?', '#');
        int at = text.lastIndexOf('@');
        if (query >= 0 && at > query) {
            return scheme + Secret.MASK;
        }
        String shown = query < 0 ? text : text.substring(0, query + 1) + Secret.MASK;
        return at < 0 ? shown : scheme + Secret.MASK + shown.substring(at);
    }

    private static int firstOf(String text, char one, char other) {
        int first = text.indexOf(one);
        int second = text.indexOf(other);
        return first < 0 ? second : second < 0 ? first : Math.min(first, second);
    }
}
