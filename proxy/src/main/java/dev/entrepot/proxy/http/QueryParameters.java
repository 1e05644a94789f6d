package dev.entrepot.proxy.http;

import dev.entrepot.oci.InvalidNameException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;

/** The query of a URL, decoded. Unknown parameters are ignored, as servers must when clients add their own. */
public final class QueryParameters {
    /** Under which a bad name is refused. */
    static final String NAME = "name of a parameter";
    /** Under which, and the name of the parameter, a bad value is refused. */
    static final String VALUE = "parameter ";

    private static final int SHOWN = 40;
    private static final QueryParameters NONE = new QueryParameters(List.of(), List.of());
    private final List<String> names;
    private final List<String> values;

    private QueryParameters(List<String> names, List<String> values) {
        this.names = names;
        this.values = values;
    }

    /**
     * Decodes a raw query, without its question mark.
     *
     * @throws InvalidNameException if an escape is malformed or a control character is hidden in one; the message names
     *     the parameter
     */
    public static QueryParameters parse(String raw) {
        if (raw.isEmpty()) {
            return NONE;
        }
        List<String> names = new ArrayList<>(2);
        List<String> values = new ArrayList<>(2);
        int start = 0;
        while (start <= raw.length()) {
            int end = raw.indexOf('&', start);
            end = end < 0 ? raw.length() : end;
            int equals = raw.indexOf('=', start);
            if (equals < 0 || equals > end) {
                equals = end;
            }
            String name = decode(NAME, raw.substring(start, equals));
            names.add(name);
            values.add(equals == end ? "" : decode(parameter(name), raw.substring(equals + 1, end)));
            start = end + 1;
        }
        return new QueryParameters(names, values);
    }

    private static String parameter(String name) {
        return VALUE + (name.length() <= SHOWN ? name : name.substring(0, SHOWN) + "...");
    }

    private static String decode(String what, String text) {
        String decoded = text;
        if (text.indexOf('%') >= 0 || text.indexOf('+') >= 0) {
            try {
                decoded = URLDecoder.decode(text, StandardCharsets.UTF_8);
            } catch (IllegalArgumentException e) {
                throw new InvalidNameException(what, text, "percent-encoded UTF-8");
            }
        }
        for (int i = 0; i < decoded.length(); i++) {
            if (Character.isISOControl(decoded.charAt(i))) {
                throw new InvalidNameException(what, text, "no control characters");
            }
        }
        return decoded;
    }

    /** The first value of a parameter, which may be the empty text. */
    public Optional<String> find(String name) {
        int index = names.indexOf(name);
        return index < 0 ? Optional.empty() : Optional.of(values.get(index));
    }

    /** How often a parameter is there. */
    public int count(String name) {
        return Collections.frequency(names, name);
    }

    /** The first value of a parameter, or the empty text. */
    String first(String name) {
        return find(name).orElse("");
    }

    /**
     * All media types in a parameter. They have no spaces: what looks like one was a {@code +} that the client did not
     * escape.
     */
    List<String> mediaTypes(String name) {
        return all(name).stream().map(value -> value.replace(' ', '+')).toList();
    }

    /** All values of a parameter that are not empty. */
    List<String> all(String name) {
        List<String> found = new ArrayList<>();
        for (int i = 0; i < names.size(); i++) {
            if (names.get(i).equals(name) && !values.get(i).isEmpty()) {
                found.add(values.get(i));
            }
        }
        return List.copyOf(found);
    }
}
