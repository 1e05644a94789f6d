package dev.entrepot.config;

import java.util.regex.Pattern;

/** Texts as YAML scalars. Quotes too many do no harm. */
final class YamlText {
    private static final Pattern PLAIN = Pattern.compile("[A-Za-z0-9/.]([A-Za-z0-9_./:@+=, -]*[A-Za-z0-9_./])?");
    private static final Pattern OTHER_TYPE = Pattern.compile(
            "(?i)true|false|null|yes|no|on|off|y|n|[-+.0-9][0-9._eE+-]*|0[xo].*|[.](inf|nan)|.*(: | #).*");

    private YamlText() {}

    /** The text, in quotes if it needs them to stay that text. */
    static String scalar(String text) {
        boolean plain =
                PLAIN.matcher(text).matches() && !OTHER_TYPE.matcher(text).matches();
        return plain ? text : quote(text);
    }

    private static String quote(String text) {
        StringBuilder quoted = new StringBuilder("\"");
        text.codePoints().forEach(c -> {
            if (c == '"' || c == '\\') {
                quoted.append('\\').appendCodePoint(c);
            } else if (Character.isISOControl(c) || c == 0x2028 || c == 0x2029 || c == 0xFEFF) {
                quoted.append(String.format("\\u%04X", c));
            } else {
                quoted.appendCodePoint(c);
            }
        });
        return quoted.append('"').toString();
    }
}
