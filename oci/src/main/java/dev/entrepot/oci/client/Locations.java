package dev.entrepot.oci.client;

import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.OutageException.Reason;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/** Reads {@code Location} header fields (RFC 9110 section 10.2.2), which may be relative. */
final class Locations {
    private static final String ILLEGAL = " \"<>\\^`{|}";

    private Locations() {}

    /**
     * Where an answer leads to: absolute, HTTP(S), with a host, without user information and fragment, and not from
     * HTTPS to HTTP.
     *
     * @throws OutageException if it leads nowhere of that kind
     */
    static URI target(ApiResponse response) throws OutageException {
        Optional<String> location = response.header("Location");
        if (location.isEmpty()) {
            throw unusable(response, "without a Location");
        }
        URI target;
        try {
            target = withoutFragment(resolved(response.uri(), new URI(legal(location.get()))));
            Origin.of(target);
        } catch (URISyntaxException | IllegalArgumentException e) {
            throw unusable(response, "with a Location that is no http(s) URL");
        }
        if (target.getRawUserInfo() != null) {
            throw unusable(response, "with user information in its Location");
        }
        if (Origin.of(response.uri()).isSecure() && !Origin.of(target).isSecure()) {
            throw unusable(response, "with a Location on plain HTTP at " + target.getHost());
        }
        return target;
    }

    /**
     * What a reference means at a place (RFC 3986 section 5.2.2). One without a path keeps that of the place, of which
     * {@link URI#resolve(URI)} drops the last part.
     *
     * @param base an absolute URL with a host
     * @throws IllegalArgumentException if there is no such URL
     */
    static URI resolved(URI base, URI reference) {
        boolean hasPath =
                reference.isOpaque() || !reference.getRawPath().isEmpty() || reference.getRawAuthority() != null;
        if (reference.isAbsolute() || hasPath) {
            return base.resolve(reference);
        }
        String query = reference.getRawQuery() == null ? base.getRawQuery() : reference.getRawQuery();
        String fragment = reference.getRawFragment();
        return URI.create(base.getScheme() + "://" + base.getRawAuthority() + base.getRawPath()
                + (query == null ? "" : "?" + query)
                + (fragment == null ? "" : "#" + fragment));
    }

    private static OutageException unusable(ApiResponse response, String how) {
        return new OutageException(
                Reason.SERVER_ERROR,
                response.request().what() + ": " + response.request().host() + " answered " + response.status() + " "
                        + how);
    }

    private static URI withoutFragment(URI uri) throws URISyntaxException {
        String text = uri.toString();
        int hash = text.indexOf('#');
        return hash < 0 ? uri : new URI(text.substring(0, hash));
    }

    // Signed URLs sometimes hold characters that must have been escaped.
    private static String legal(String text) {
        StringBuilder result = new StringBuilder(text.length());
        for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
            char c = (char) (b & 0xff);
            if (c > 126 || c < 32 || ILLEGAL.indexOf(c) >= 0) {
                result.append(String.format("%%%02X", (int) c));
            } else {
                result.append(c);
            }
        }
        return result.toString();
    }
}
