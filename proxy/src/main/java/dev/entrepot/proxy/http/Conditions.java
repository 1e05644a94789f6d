package dev.entrepot.proxy.http;

import dev.entrepot.oci.Digest;
import io.helidon.http.HeaderName;
import io.helidon.http.HeaderNames;
import io.helidon.http.Headers;
import java.util.Optional;

/** The conditional and range headers of a request (RFC 9110 sections 13 and 14), with digests as validators. */
final class Conditions {
    private Conditions() {}

    /**
     * Whether {@code If-None-Match} names what would be sent: quoted, weak, in a list, {@code *}, or unquoted as some
     * registries and their proxies write it.
     */
    static boolean notModified(Headers request, Digest digest) {
        if (!request.contains(HeaderNames.IF_NONE_MATCH)) {
            return false;
        }
        String expected = digest.toString();
        for (String line : request.get(HeaderNames.IF_NONE_MATCH).allValues()) {
            for (String entry : line.split(",", -1)) {
                String tag = entry.strip();
                if (tag.equals("*")
                        || unquoted(tag.startsWith("W/") ? tag.substring(2) : tag)
                                .equals(expected)) {
                    return true;
                }
            }
        }
        return false;
    }

    private static String unquoted(String tag) {
        boolean quoted = tag.length() >= 2 && tag.startsWith("\"") && tag.endsWith("\"");
        return quoted ? tag.substring(1, tag.length() - 1) : tag;
    }

    /**
     * The ranges asked for: none if there is no such header, it is to be ignored, or {@code If-Range} names other
     * content.
     */
    static Optional<RangeHeader> range(Headers request, Digest digest) {
        if (!request.contains(HeaderNames.RANGE)) {
            return Optional.empty();
        }
        String ifRange = single(request, HeaderNames.IF_RANGE);
        if (!ifRange.isEmpty() && !unquoted(ifRange).equals(digest.toString())) {
            return Optional.empty();
        }
        return RangeHeader.parse(single(request, HeaderNames.RANGE));
    }

    private static String single(Headers request, HeaderName name) {
        return request.contains(name)
                ? String.join(",", request.get(name).allValues()).strip()
                : "";
    }
}
