package dev.entrepot.proxy.http;

import dev.entrepot.oci.InvalidNameException;

/**
 * What a request asks, and of which host (RFC 9112, sections 3.2 and 3.3). The path is checked here, in one pass,
 * because parsing it as {@link java.net.URI}, as the server does, takes 3.5 % of the processor time of a manifest
 * request.
 *
 * @param path the path as it was sent: escapes are whole and not resolved
 * @param host the host that was asked, with its port if there was one
 */
public record RequestTarget(String path, String host) {
    /** What a bad target is called. */
    static final String WHAT = "request target";

    private static final String MARKS = "-._~!$&'()*+,;=:@";

    /**
     * Reads the target of a request.
     *
     * @param target the target without its query: a path, or a whole URL of http or https, whose host then counts
     * @param host the host of the Host header, which the server has checked
     * @throws InvalidNameException if the target is neither, or has characters that must be escaped
     */
    static RequestTarget of(String target, String host) {
        if (target.startsWith("/")) {
            return new RequestTarget(checked(target), host);
        }
        int authority = begins(target, "http://") ? 7 : begins(target, "https://") ? 8 : -1;
        int slash = authority < 0 ? -1 : target.indexOf('/', authority);
        if (slash <= authority) {
            throw invalid(target);
        }
        return new RequestTarget(checked(target.substring(slash)), host(target, authority, slash));
    }

    private static boolean begins(String target, String scheme) {
        return target.regionMatches(true, 0, scheme, 0, scheme.length());
    }

    // Names and addresses with an optional port. Above all no user: what stands before an @ must never be taken for the
    // host.
    private static String host(String target, int begin, int end) {
        for (int i = begin; i < end; i++) {
            char c = target.charAt(i);
            if (!isLetterOrDigit(c) && "-._~:[]".indexOf(c) < 0) {
                throw invalid(target);
            }
        }
        return target.substring(begin, end);
    }

    private static String checked(String path) {
        for (int i = 0; i < path.length(); i++) {
            char c = path.charAt(i);
            boolean fits = c == '%'
                    ? i + 2 < path.length() && isHex(path.charAt(i + 1)) && isHex(path.charAt(i + 2))
                    : c == '/' || isUnescaped(c);
            if (!fits) {
                throw invalid(path);
            }
        }
        return path;
    }

    /** A target as it may be shown: of a whole URL without the user, beside whom a password may stand. */
    public static String withoutUser(String target) {
        int authority = target.startsWith("/") ? -1 : target.indexOf("//");
        if (authority < 0) {
            return target;
        }
        int slash = target.indexOf('/', authority + 2);
        int at = target.lastIndexOf('@', slash < 0 ? target.length() : slash);
        return at < authority ? target : target.substring(0, authority + 2) + target.substring(at + 1);
    }

    private static InvalidNameException invalid(String target) {
        return new InvalidNameException(
                WHAT,
                Text.printable(withoutUser(target), 255),
                "a path that begins with /, its odd characters escaped as %XX");
    }

    private static boolean isUnescaped(char c) {
        return isLetterOrDigit(c) || MARKS.indexOf(c) >= 0;
    }

    private static boolean isLetterOrDigit(char c) {
        return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z';
    }

    private static boolean isHex(char c) {
        return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F';
    }
}
