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
            URI resolved = response.uri().resolve(new URI(legal(location.get())));
            target = withoutFragment(resolved);
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
