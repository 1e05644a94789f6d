package dev.entrepot.proxy.access;

import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Optional;

/**
 * A user and a password, as they come with a request (RFC 7617). Not to be shown.
 *
 * @param user the user
 * @param password the password
 */
public record BasicCredentials(String user, String password) {
    private static final String SCHEME = "basic ";

    /** Those in the value of an {@code Authorization} header; empty if it has none. */
    public static Optional<BasicCredentials> of(String authorization) {
        if (!authorization.regionMatches(true, 0, SCHEME, 0, SCHEME.length())) {
            return Optional.empty();
        }
        try {
            byte[] decoded = Base64.getDecoder()
                    .decode(authorization.substring(SCHEME.length()).strip());
            String both = new String(decoded, StandardCharsets.UTF_8);
            int colon = both.indexOf(':');
            return colon < 0
                    ? Optional.empty()
                    : Optional.of(new BasicCredentials(both.substring(0, colon), both.substring(colon + 1)));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    /** The token in a header of the scheme Bearer (RFC 6750). */
    static Optional<String> bearer(String authorization) {
        String scheme = "bearer ";
        return authorization.regionMatches(true, 0, scheme, 0, scheme.length())
                ? Optional.of(authorization.substring(scheme.length()).strip())
                : Optional.empty();
    }

    /** Whether both are empty, which clients send that have neither. */
    boolean isNothing() {
        return user.isEmpty() && password.isEmpty();
    }

    @Override
    public String toString() {
        return "BasicCredentials[...]";
    }
}
