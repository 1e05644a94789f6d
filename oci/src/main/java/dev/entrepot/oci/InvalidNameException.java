package dev.entrepot.oci;

/**
 * A text is not the name, digest, tag or host that it should be. The message names the thing, the text and what is
 * allowed.
 */
public final class InvalidNameException extends IllegalArgumentException {
    private static final int SHOWN = 120;
    private final String what;

    /**
     * Describes the refusal.
     *
     * @param what the thing that was to be parsed, for example {@code tag}
     * @param text the text, which is shortened in the message
     * @param allowed what would have been allowed
     */
    public InvalidNameException(String what, String text, String allowed) {
        super("invalid " + what + " \"" + shorten(text) + "\": expected " + allowed);
        this.what = what;
    }

    /** The thing that was to be parsed. */
    public String what() {
        return what;
    }

    private static String shorten(String text) {
        String cut = text.length() <= SHOWN ? text : text.substring(0, SHOWN) + "...";
        StringBuilder safe = new StringBuilder(cut.length());
        cut.chars().forEach(c -> safe.append(Character.isISOControl(c) || c == '"' ? '?' : (char) c));
        return safe.toString();
    }
}
