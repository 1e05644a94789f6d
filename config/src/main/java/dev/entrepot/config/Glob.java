package dev.entrepot.config;

import java.util.Arrays;
import java.util.function.Predicate;

/**
 * A glob as a row of symbols, and whether a name matches it. All that may match is followed at once, letter by letter,
 * so that no glob takes longer than its own length times that of the name.
 */
final class Glob implements Predicate<String> {
    // In place of what is special; no glob and no name has these characters.
    /** Any text. */
    static final char ANY = '\u0001';
    /** Any text without a slash. */
    static final char ANY_BUT_SLASH = '\u0002';
    /** One character that is no slash. */
    static final char ONE_BUT_SLASH = '\u0003';
    /** The two symbols behind it, which are {@link #ANY} and a slash, or nothing. */
    static final char MAYBE = '\u0004';
    /** One character. */
    static final char ONE = '\u0005';
    /** How far it is from {@link #MAYBE} to what stands behind its two symbols. */
    static final int MAYBE_LENGTH = 3;

    private final String symbols;

    Glob(String text) {
        this(text, true);
    }

    private Glob(String text, boolean components) {
        String divided = symbols(text);
        this.symbols =
                components ? divided : divided.replace(ANY_BUT_SLASH, ANY).replace(ONE_BUT_SLASH, ONE);
    }

    /** A glob on names that have no components: no wildcard stops at a slash. */
    static Glob ofWhole(String text) {
        return new Glob(text, false);
    }

    /** The symbols of a glob, never more than its characters. */
    static String symbols(String text) {
        StringBuilder symbols = new StringBuilder();
        int i = 0;
        while (i < text.length()) {
            char c = text.charAt(i);
            int start = i++;
            if (c != '*') {
                symbols.append(c == '?' ? ONE_BUT_SLASH : c);
                continue;
            }
            while (i < text.length() && text.charAt(i) == '*') {
                i++;
            }
            boolean components = i - start > 1
                    && (start == 0 || text.charAt(start - 1) == '/')
                    && i < text.length()
                    && text.charAt(i) == '/';
            if (components) {
                symbols.append(MAYBE);
            }
            symbols.append(i - start > 1 ? ANY : ANY_BUT_SLASH);
        }
        return symbols.toString();
    }

    @Override
    public boolean test(String name) {
        // Before which symbols the letters so far may have led.
        boolean[] now = new boolean[symbols.length() + 1];
        boolean[] next = new boolean[symbols.length() + 1];
        now[0] = true;
        passOver(now);
        for (int i = 0; i < name.length(); i++) {
            Arrays.fill(next, false);
            take(name.charAt(i), now, next);
            passOver(next);
            boolean[] former = now;
            now = next;
            next = former;
        }
        return now[symbols.length()];
    }

    // What may stand for nothing is passed over. It leads onwards only, so that once is enough.
    private void passOver(boolean[] reached) {
        for (int i = 0; i < symbols.length(); i++) {
            if (reached[i]) {
                char symbol = symbols.charAt(i);
                reached[i + 1] |= symbol == ANY || symbol == ANY_BUT_SLASH || symbol == MAYBE;
                if (symbol == MAYBE) {
                    reached[i + MAYBE_LENGTH] = true;
                }
            }
        }
    }

    private void take(char letter, boolean[] now, boolean[] next) {
        for (int i = 0; i < symbols.length(); i++) {
            if (now[i]) {
                switch (symbols.charAt(i)) {
                    case ANY -> next[i] = true;
                    case ANY_BUT_SLASH -> next[i] |= letter != '/';
                    case ONE_BUT_SLASH -> next[i + 1] |= letter != '/';
                    case ONE -> next[i + 1] = true;
                    case MAYBE -> {}
                    default -> next[i + 1] |= letter == symbols.charAt(i);
                }
            }
        }
    }
}
