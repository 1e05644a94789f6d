package dev.entrepot.oci;

/**
 * The name of a repository within its registry, without the host (distribution-spec, "Pulling manifests":
 * {@code <name>}).
 *
 * @param value lower-case path components joined by {@code /}, at most 255 characters
 */
public record RepositoryName(String value) implements Comparable<RepositoryName> {
    private static final int MAX_LENGTH = 255;

    /** Validates the grammar. */
    public RepositoryName {
        if (value.length() > MAX_LENGTH || !valid(value)) {
            throw new InvalidNameException(
                    "repository name",
                    value,
                    "at most 255 characters: lower-case letters and digits, parts joined by . _ __ or -, components joined by /");
        }
    }

    // [a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/...)* without a regular expression: this runs on every request, and must not
    // backtrack.
    private static boolean valid(String value) {
        int separators = 0;
        char separator = '/';
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            if (c >= 'a' && c <= 'z' || c >= '0' && c <= '9') {
                separators = 0;
                continue;
            }
            separators = separators > 0 && c == separator ? separators + 1 : separators == 0 ? 1 : Integer.MAX_VALUE;
            separator = c;
            int allowed = switch (c) {
                case '.', '/' -> 1;
                case '_' -> 2;
                case '-' -> MAX_LENGTH;
                default -> 0;
            };
            if (i == 0 || separators > allowed) {
                return false;
            }
        }
        return !value.isEmpty() && separators == 0;
    }

    /** Whether there is more than one path component. */
    public boolean isNested() {
        return value.indexOf('/') >= 0;
    }

    @Override
    public int compareTo(RepositoryName other) {
        return value.compareTo(other.value);
    }

    @Override
    public String toString() {
        return value;
    }
}
