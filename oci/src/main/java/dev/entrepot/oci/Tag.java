package dev.entrepot.oci;

import java.util.regex.Pattern;

/**
 * A tag: {@code [a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}} (distribution-spec, "Pulling manifests"). Ordered by its bytes, as
 * tag lists are.
 *
 * @param value the text
 */
public record Tag(String value) implements ManifestReference, Comparable<Tag> {
    private static final Pattern ATTACHED =
            Pattern.compile("sha(?:256-[0-9a-f]{64}|512-[0-9a-f]{64,128})(?:\\.[a-z]+(?:-was-[0-9a-f]+)?)?");

    /** Validates the grammar. */
    public Tag {
        if (!valid(value)) {
            throw new InvalidNameException("tag", value, "1 to 128 letters, digits, _ . - and no . or - at the start");
        }
    }

    private static boolean valid(String value) {
        if (value.isEmpty() || value.length() > 128 || !mayBegin(value.charAt(0))) {
            return false;
        }
        for (int i = 0; i < value.length(); i++) {
            if (!mayHold(value.charAt(i))) {
                return false;
            }
        }
        return true;
    }

    /** Whether the bytes from {@code start} to before {@code end} are a tag, without making one. */
    public static boolean isValid(byte[] ascii, int start, int end) {
        if (start >= end || end - start > 128 || !mayBegin((char) ascii[start])) {
            return false;
        }
        for (int i = start; i < end; i++) {
            if (!mayHold((char) ascii[i])) {
                return false;
            }
        }
        return true;
    }

    private static boolean mayBegin(char c) {
        return c != '.' && c != '-';
    }

    private static boolean mayHold(char c) {
        return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '.' || c == '-';
    }

    /**
     * Whether the tag belongs to a digest, as cosign's, backups of these, and the referrers fallback tags do, and is
     * not one that a user chose.
     */
    public boolean isAttached() {
        return ATTACHED.matcher(value).matches();
    }

    @Override
    public int compareTo(Tag other) {
        return value.compareTo(other.value);
    }

    @Override
    public String toString() {
        return value;
    }
}
