package dev.entrepot.oci.client;

import dev.entrepot.oci.InvalidContentException;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads {@code Link} header fields for the next page (RFC 8288; distribution-spec, "Listing Tags"). */
final class Links {
    private static final Pattern LINK =
            Pattern.compile("<([^>]*)>((?:\\s*;\\s*[^\\s;,=]+(?:\\s*=\\s*(?:\"[^\"]*\"|[^\\s;,\"]*))?)*)");
    private static final Pattern REL =
            Pattern.compile(";\\s*rel\\s*=\\s*(?:\"([^\"]*)\"|([^\\s;,\"]*))", Pattern.CASE_INSENSITIVE);

    private Links() {}

    /**
     * Path and query of the next page at the same host, or empty if this is the last. Scheme and port of an absolute
     * link are not used: registries behind TLS terminators often state them wrongly, and the next page is always asked
     * of the configured address.
     *
     * @throws InvalidContentException if the next page is at another host, or the link is none
     */
    static Optional<String> next(ApiResponse response) throws InvalidContentException {
        for (String field : response.headers("Link")) {
            Matcher link = LINK.matcher(field);
            while (link.find()) {
                if (isNext(link.group(2))) {
                    return Optional.of(pathAndQuery(response, link.group(1)));
                }
            }
        }
        return Optional.empty();
    }

    private static boolean isNext(String parameters) {
        Matcher rel = REL.matcher(parameters);
        if (!rel.find()) {
            return false;
        }
        String value = rel.group(1) != null ? rel.group(1) : rel.group(2);
        for (String word : value.strip().toLowerCase(Locale.ROOT).split("\\s+")) {
            if (word.equals("next")) {
                return true;
            }
        }
        return false;
    }

    private static String pathAndQuery(ApiResponse response, String link) throws InvalidContentException {
        URI target;
        try {
            target = response.uri().resolve(new URI(link.strip()));
        } catch (URISyntaxException | IllegalArgumentException e) {
            throw new InvalidContentException(response.request().what() + ": "
                    + response.request().host() + " sent a malformed link to the next page");
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
}
