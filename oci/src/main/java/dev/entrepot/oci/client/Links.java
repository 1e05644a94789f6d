package dev.entrepot.oci.client;

import dev.entrepot.oci.InvalidContentException;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads {@code Link} header fields for the next page (RFC 8288; distribution-spec, "Listing Tags"). A field that cannot
 * be read to its end is no last page: what it was to say nobody knows.
 */
final class Links {
    private static final Pattern LINK = Pattern.compile("[\\s,]*<([^>]*)>");
    private static final Pattern PARAMETER =
            Pattern.compile("\\s*;\\s*(?:([^\\s;,=\"<>]+)\\s*(?:=\\s*(?:\"((?:[^\"\\\\]|\\\\.)*)\"|([^\\s;,\"]*)))?)?");
    private static final Pattern END = Pattern.compile("[\\s,]*");

    private Links() {}

    /**
     * Path and query of the next page where this one was asked for, or empty if this is the last. Scheme and port of an
     * absolute link are not used: registries behind TLS terminators often state them wrongly, and the next page is
     * always asked of the configured address. If the page came from elsewhere, that address leads on as it did for this
     * one: of a link from there only the query says something here.
     *
     * @param request the request for this page, before redirects
     * @throws InvalidContentException if the next page is at another host than this one, or is this one, or the field
     *     is no link, or says of none what it is
     */
    static Optional<String> next(ApiRequest request, ApiResponse response) throws InvalidContentException {
        Optional<String> next = next(response);
        if (next.isEmpty() || !response.isElsewhere(request)) {
            return next;
        }
        int query = next.get().indexOf('?');
        if (query < 0) {
            throw new InvalidContentException(request.what() + ": "
                    + response.request().host() + " sent a link to a next page that is the page itself");
        }
        return Optional.of(request.uri().getRawPath() + next.get().substring(query));
    }

    private static Optional<String> next(ApiResponse response) throws InvalidContentException {
        for (String field : response.headers("Link")) {
            Optional<String> next = next(response, field);
            if (next.isPresent()) {
                return next;
            }
        }
        return Optional.empty();
    }

    private static Optional<String> next(ApiResponse response, String field) throws InvalidContentException {
        int at = 0;
        while (!isMatch(END, field, at)) {
            Matcher link = LINK.matcher(field).region(at, field.length());
            if (!link.lookingAt()) {
                throw malformed(response);
            }
            at = link.end();
            Optional<String> relation = Optional.empty();
            Matcher parameter = PARAMETER.matcher(field);
            while (parameter.region(at, field.length()).lookingAt()) {
                at = parameter.end();
                String name = parameter.group(1);
                // The first counts (RFC 8288, 3.3).
                if (name != null && name.equalsIgnoreCase("rel") && relation.isEmpty()) {
                    String quoted = parameter.group(2);
                    String plain = parameter.group(3);
                    relation = Optional.of(quoted != null ? quoted : plain == null ? "" : plain);
                }
            }
            if (relation.isEmpty()) {
                throw malformed(response);
            }
            if (isNext(relation.get())) {
                return Optional.of(pathAndQuery(response, link.group(1)));
            }
        }
        return Optional.empty();
    }

    private static boolean isMatch(Pattern pattern, String field, int at) {
        return pattern.matcher(field).region(at, field.length()).matches();
    }

    private static boolean isNext(String relation) {
        for (String word : relation.strip().toLowerCase(Locale.ROOT).split("\\s+")) {
            if (word.equals("next")) {
                return true;
            }
        }
        return false;
    }

    private static String pathAndQuery(ApiResponse response, String link) throws InvalidContentException {
        URI target;
        try {
            target = Locations.resolved(response.uri(), new URI(link.strip()));
        } catch (URISyntaxException | IllegalArgumentException e) {
            throw malformed(response);
        }
        String host = target.getHost();
        if (host == null
                || !Origin.bareHost(host).equals(Origin.of(response.uri()).host())) {
            throw new InvalidContentException(response.request().what() + ": "
                    + response.request().host() + " sent a link to a next page at another host, " + host);
        }
        String path = target.getRawPath().isEmpty() ? "/" : target.getRawPath();
        return target.getRawQuery() == null ? path : path + "?" + target.getRawQuery();
    }

    private static InvalidContentException malformed(ApiResponse response) {
        return new InvalidContentException(response.request().what() + ": "
                + response.request().host() + " sent a malformed link to the next page");
    }
}
