package dev.entrepot.oci.testing;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * The head of a request as it came.
 *
 * @param method the method, in upper case
 * @param rawPath the path, still percent-encoded
 * @param rawQuery what follows the question mark, still percent-encoded, or empty
 * @param headers the header fields
 */
public record Request(String method, String rawPath, String rawQuery, Headers headers) {
    /** The path, decoded. */
    public String path() {
        return decode(rawPath);
    }

    /** The path and, where there is one, the query. */
    public String target() {
        return rawQuery.isEmpty() ? rawPath : rawPath + "?" + rawQuery;
    }

    /** The first value of a header. */
    public Optional<String> header(String name) {
        return headers.first(name);
    }

    /** The first value of a query parameter, decoded. */
    public Optional<String> query(String name) {
        return queryAll(name).stream().findFirst();
    }

    /** All values of a query parameter, decoded. */
    public List<String> queryAll(String name) {
        return Arrays.stream(rawQuery.split("&"))
                .filter(pair -> pair.startsWith(name + "=") || pair.equals(name))
                .map(pair -> pair.length() <= name.length() ? "" : formDecode(pair.substring(name.length() + 1)))
                .toList();
    }

    /** This request with other header fields. */
    Request withHeaders(Headers other) {
        return new Request(method, rawPath, rawQuery, other);
    }

    static String formDecode(String text) {
        return URLDecoder.decode(text, StandardCharsets.UTF_8);
    }

    private static String decode(String text) {
        return formDecode(text.replace("+", "%2B"));
    }

    @Override
    public String toString() {
        return method + " " + target();
    }
}
