package dev.entrepot.oci.client.cloud;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * The words of a command line as a shell without variables and patterns takes them: blanks between words, quotes of
 * both kinds, and backslashes.
 */
final class ShellWords {
    private ShellWords() {}

    /**
     * Splits.
     *
     * @throws IOException if there is no word, or a quote or a backslash has no end; shows nothing of the line
     */
    static List<String> of(String line) throws IOException {
        List<String> words = new ArrayList<>();
        StringBuilder word = new StringBuilder();
        boolean inWord = false;
        int quote = 0;
        for (int i = 0; i < line.length(); i++) {
            char c = line.charAt(i);
            if (c == '\\' && quote != '\'' && (quote == 0 || isEscapedWithinQuotes(line, i + 1))) {
                i++;
                word.append(at(line, i));
                inWord = true;
            } else if (c == quote) {
                quote = 0;
            } else if (quote == 0 && (c == '"' || c == '\'')) {
                quote = c;
                inWord = true;
            } else if (quote == 0 && Character.isWhitespace(c)) {
                if (inWord) {
                    words.add(word.toString());
                    word.setLength(0);
                    inWord = false;
                }
            } else {
                word.append(c);
                inWord = true;
            }
        }
        if (inWord) {
            words.add(word.toString());
        }
        if (quote != 0 || words.isEmpty()) {
            throw new IOException("a command line is empty, or has a quote without an end");
        }
        return words;
    }

    private static boolean isEscapedWithinQuotes(String line, int index) {
        return index < line.length() && (line.charAt(index) == '"' || line.charAt(index) == '\\');
    }

    private static char at(String line, int index) throws IOException {
        if (index >= line.length()) {
            throw new IOException("a command line has a backslash at its end");
        }
        return line.charAt(index);
    }
}
