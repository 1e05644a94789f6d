package dev.entrepot.config;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Takes out of a text what may be a secret by its form: the query and the user of a URL, and what stands behind a
 * scheme of HTTP authentication. Our own messages have none of these; what they quote of a command line, and those of
 * libraries and registries, may.
 */
public final class Redaction {
    private static final Pattern QUERY =
            Pattern.compile("(https?://[^\\s?#\"'<>]{1,4096}\\?)[^\\s\"'<>]+", Pattern.CASE_INSENSITIVE);
    // A password with a slash that should have been encoded, and which ends what is read as the host. There it is only
    // one where what stands before the slash is no port: "https://host:443/a@b" may be either, and is taken as it
    // reads.
    private static final Pattern USER_WITH_SLASH = Pattern.compile(
            "(\\b[a-z][a-z0-9+.-]{1,20}://)[^\\s/:@\\[\"'<>]{0,256}:(?!\\d{1,5}[/?#])[^\\s\"'<>]{1,4096}@(?!sha\\d+:)(?=[\\w\\[])",
            Pattern.CASE_INSENSITIVE);
    private static final Pattern USER = Pattern.compile(
            "(\\b[a-z][a-z0-9+.-]{1,20}://)[^\\s/\"'<>]{1,4096}@(?!sha\\d+:)", Pattern.CASE_INSENSITIVE);
    // The same without a scheme, as somebody may write it before the name of an image. A tag before a digest is none.
    private static final Pattern BARE_USER = Pattern.compile(
            "(?<![\\w/.:@%+-])[\\w.%+-]{1,256}:[^\\s/\"'<>]{1,4096}@(?!sha\\d+:)(?=[\\w\\[])",
            Pattern.CASE_INSENSITIVE);
    private static final Pattern SCHEME = Pattern.compile(
            "\\b(Bearer|Basic|Digest|Negotiate)(\\s+)(?!realm=)(?=\\S*(?:[0-9=_~+]|(?-i:[a-z][A-Z])))[A-Za-z0-9+/._~=-]{8,}",
            Pattern.CASE_INSENSITIVE);
    private static final Pattern FIELD = Pattern.compile(
            "((?:Proxy-)?Authorization|X-Registry-Auth|Set-Cookie|Cookie)(\"?\\s*[:=]\\s*)[^\\r\\n]+",
            Pattern.CASE_INSENSITIVE);

    private Redaction() {}

    /** The text without them. */
    public static String of(String text) {
        // Nearly no line has any of this.
        if (text.indexOf("://") < 0 && text.indexOf('@') < 0 && !mentions(text)) {
            return text;
        }
        String masked = FIELD.matcher(text).replaceAll("$1$2" + Matcher.quoteReplacement(Secret.MASK));
        masked = SCHEME.matcher(masked).replaceAll("$1$2" + Matcher.quoteReplacement(Secret.MASK));
        masked = USER_WITH_SLASH.matcher(masked).replaceAll("$1" + Matcher.quoteReplacement(Secret.MASK) + "@");
        masked = USER.matcher(masked).replaceAll("$1" + Matcher.quoteReplacement(Secret.MASK) + "@");
        masked = BARE_USER.matcher(masked).replaceAll(Matcher.quoteReplacement(Secret.MASK) + "@");
        return QUERY.matcher(masked).replaceAll("$1" + Matcher.quoteReplacement(Secret.MASK));
    }

    private static boolean mentions(String text) {
        return SCHEME.matcher(text).find() || FIELD.matcher(text).find();
    }
}
