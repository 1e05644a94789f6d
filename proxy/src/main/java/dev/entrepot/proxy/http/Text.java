package dev.entrepot.proxy.http;

/** Text from outside made fit for headers and messages. */
public final class Text {
    private Text() {}

    /**
     * At most {@code limit} characters, all of them printable ASCII; quotes, backslashes and everything else become
     * {@code ?}.
     */
    public static String printable(String text, int limit) {
        StringBuilder safe = new StringBuilder(Math.min(text.length(), limit));
        for (int i = 0; i < text.length() && i < limit; i++) {
            char c = text.charAt(i);
            safe.append(c >= ' ' && c < 127 && c != '"' && c != '\\' ? c : '?');
        }
        return safe.toString();
    }
}
