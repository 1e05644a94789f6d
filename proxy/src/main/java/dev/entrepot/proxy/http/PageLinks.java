package dev.entrepot.proxy.http;

import io.helidon.http.Header;
import io.helidon.http.HeaderNames;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** {@code Link} headers that lead to the next page (RFC 8288), by the path that the client itself used. */
final class PageLinks {
    private PageLinks() {}

    /** The page of at most {@code limit} entries after {@code last}. */
    static Header next(String path, RequestScope scope, int limit, String last) {
        return link(path + "?n=" + limit + "&last=" + encode(last) + namespace(scope));
    }

    /** The page of referrers of these artifact types after {@code last}. */
    static Header nextReferrers(String path, RequestScope scope, List<String> artifactTypes, String last) {
        StringBuilder target = new StringBuilder(path).append("?last=").append(encode(last));
        artifactTypes.forEach(type -> target.append("&artifactType=").append(encode(type)));
        return link(target.append(namespace(scope)).toString());
    }

    private static Header link(String target) {
        return ReplyHeaders.checked(HeaderNames.LINK, "<" + target + ">; rel=\"next\"");
    }

    private static String namespace(RequestScope scope) {
        return scope.namespace().isEmpty() ? "" : "&ns=" + encode(scope.namespace());
    }

    private static String encode(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }
}
