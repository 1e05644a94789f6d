package dev.entrepot.oci.client;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * One challenge of a {@code WWW-Authenticate} header field (RFC 9110 section 11.6.1).
 *
 * @param scheme the scheme in lower case, for example {@code bearer}
 * @param parameters the parameters, names in lower case; the first of several of the same name counts
 */
record Challenge(String scheme, Map<String, String> parameters) {
    static final String BEARER = "bearer";
    static final String BASIC = "basic";

    /** Copies the parameters. */
    Challenge {
        parameters = Map.copyOf(parameters);
    }

    Optional<String> parameter(String name) {
        return Optional.ofNullable(parameters.get(name)).filter(value -> !value.isEmpty());
    }

    /**
     * All challenges of some header fields, in order. What does not fit the grammar ends the reading of its field: what
     * stood before it counts.
     */
    static List<Challenge> parse(List<String> fields) {
        List<Challenge> result = new ArrayList<>();
        for (String field : fields) {
            new Parser(field).parseInto(result);
        }
        return List.copyOf(result);
    }

    /** The first challenge of a scheme. */
    static Optional<Challenge> find(List<Challenge> challenges, String scheme) {
        return challenges.stream().filter(c -> c.scheme().equals(scheme)).findFirst();
    }

    /**
     * Reads {@code challenge = scheme [ 1*SP ( token68 / #auth-param ) ]}, a list of them. Both the list of challenges
     * and the list of parameters use commas: a token with {@code =} after it is a parameter, any other token starts a
     * new challenge. A parameter counts also where the comma before it was forgotten; a new challenge does not.
     */
    private static final class Parser {
        private final String text;
        private int at;

        Parser(String text) {
            this.text = text;
        }

        void parseInto(List<Challenge> result) {
            skipCommas();
            while (at < text.length()) {
                String scheme = token();
                if (scheme.isEmpty()) {
                    return;
                }
                Map<String, String> parameters = new TreeMap<>();
                boolean whole = parameters(parameters);
                result.add(new Challenge(scheme.toLowerCase(Locale.ROOT), parameters));
                if (!whole) {
                    return;
                }
            }
        }

        /** Reads parameters up to the next challenge; false if the rest is not readable. */
        private boolean parameters(Map<String, String> into) {
            skipSpace();
            if (skipToken68()) {
                skipCommas();
                return true;
            }
            while (at < text.length()) {
                boolean separated = into.isEmpty() || text.charAt(at) == ',';
                skipCommas();
                int start = at;
                String name = token();
                skipSpace();
                if (name.isEmpty()) {
                    return at >= text.length();
                }
                if (at >= text.length() || text.charAt(at) != '=') {
                    at = start;
                    return separated;
                }
                at++;
                skipSpace();
                Optional<String> value = value();
                if (value.isEmpty()) {
                    return false;
                }
                into.putIfAbsent(name.toLowerCase(Locale.ROOT), value.get());
                skipSpace();
            }
            return true;
        }

        // token68 has no "=" but at its end, and nothing but a comma after it.
        private boolean skipToken68() {
            int end = at;
            while (end < text.length() && isToken68(text.charAt(end))) {
                end++;
            }
            int afterToken = end;
            while (end < text.length() && text.charAt(end) == '=') {
                end++;
            }
            int next = end;
            while (next < text.length() && isSpace(text.charAt(next))) {
                next++;
            }
            boolean ends = next >= text.length() || text.charAt(next) == ',';
            if (afterToken == at || !ends) {
                return false;
            }
            at = next;
            return true;
        }

        private Optional<String> value() {
            if (at >= text.length() || text.charAt(at) != '"') {
                int start = at;
                // Wider than the grammar: some registries forget the quotes around a realm.
                while (at < text.length() && text.charAt(at) != ',' && !isSpace(text.charAt(at))) {
                    at++;
                }
                return Optional.of(text.substring(start, at));
            }
            StringBuilder value = new StringBuilder();
            for (at++; at < text.length(); at++) {
                char c = text.charAt(at);
                if (c == '"') {
                    at++;
                    return Optional.of(value.toString());
                }
                if (c == '\\' && at + 1 < text.length()) {
                    at++;
                    c = text.charAt(at);
                }
                value.append(c);
            }
            return Optional.empty();
        }

        private String token() {
            int start = at;
            while (at < text.length() && isTokenCharacter(text.charAt(at))) {
                at++;
            }
            return text.substring(start, at);
        }

        private void skipSpace() {
            while (at < text.length() && isSpace(text.charAt(at))) {
                at++;
            }
        }

        private void skipCommas() {
            while (at < text.length() && (isSpace(text.charAt(at)) || text.charAt(at) == ',')) {
                at++;
            }
        }

        private static boolean isSpace(char c) {
            return c == ' ' || c == '\t';
        }

        private static boolean isTokenCharacter(char c) {
            return isAlphanumeric(c) || "!#$%&'*+-.^_`|~".indexOf(c) >= 0;
        }

        private static boolean isToken68(char c) {
            return isAlphanumeric(c) || "-._~+/".indexOf(c) >= 0;
        }

        private static boolean isAlphanumeric(char c) {
            return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9';
        }
    }
}
