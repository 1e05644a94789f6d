package dev.entrepot.config;

import dev.entrepot.oci.InvalidNameException;
import dev.entrepot.oci.RepositoryName;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Sets of repository names, as far as patterns show them, and whether two of them may have a name in common. Exact for
 * names and globs; of a regular expression only the plain letters at its start are looked at, so that the answer may be
 * a yes where no would be right.
 */
final class NameSets {
    /** Globs of more than this many steps are taken to meet. */
    private static final int MAX_STEPS = 1_100;

    private final String symbols;

    private NameSets(String symbols) {
        this.symbols = symbols;
    }

    /** The names that match a pattern. */
    static NameSets of(NamePattern pattern) {
        return new NameSets(
                switch (pattern.kind()) {
                    case EXACT -> pattern.text();
                    case GLOB -> Glob.symbols(pattern.text());
                    case REGEX -> plainStart(pattern.text()) + Glob.ANY;
                });
    }

    /** The same names with a text before each. */
    NameSets under(String prefix) {
        return new NameSets(prefix + symbols);
    }

    /** The names under which a target keeps repositories that match the patterns. */
    static List<NameSets> written(List<NamePattern> patterns, TargetConfig target) {
        List<NameSets> sets = new ArrayList<>();
        for (NamePattern pattern : patterns) {
            if (pattern.kind() == NamePattern.Kind.EXACT) {
                try {
                    sets.add(new NameSets(
                            target.nameFor(new RepositoryName(pattern.text())).value()));
                } catch (InvalidNameException e) {
                    continue; // no repository has such a name, or it becomes too long for one
                }
            } else {
                addWritten(of(pattern), target, sets);
            }
        }
        return sets;
    }

    private static void addWritten(NameSets read, TargetConfig target, List<NameSets> sets) {
        String prefix = target.prefix().map(p -> p.value() + "/").orElse("");
        sets.add(new NameSets(prefix + read.symbols));
        for (Map.Entry<RepositoryName, RepositoryName> entry : target.map().entrySet()) {
            String from = entry.getKey().value();
            String to = prefix + entry.getValue().value();
            if (read.mayMeet(new NameSets(from))) {
                sets.add(new NameSets(to));
            }
            if (read.mayMeet(new NameSets(from + "/" + Glob.ANY))) {
                sets.add(new NameSets(to + "/" + Glob.ANY));
            }
        }
    }

    // The letters before the first that means something in a regular expression, which may apply to the letter before
    // it.
    private static String plainStart(String regex) {
        String text = regex.startsWith("^") ? regex.substring(1) : regex;
        if (text.indexOf('|') >= 0) {
            return "";
        }
        int end = 0;
        while (end < text.length()
                && (Character.isLetterOrDigit(text.charAt(end)) || "/-_".indexOf(text.charAt(end)) >= 0)) {
            end++;
        }
        boolean whole =
                end == text.length() || text.charAt(end) == '(' || text.charAt(end) == '[' || text.charAt(end) == '.';
        return text.substring(0, whole ? end : Math.max(0, end - 1));
    }

    /** Whether a name may be in both sets. */
    boolean mayMeet(NameSets other) {
        String a = symbols;
        String b = other.symbols;
        if (a.length() > MAX_STEPS || b.length() > MAX_STEPS) {
            return true;
        }
        boolean[][] meet = new boolean[a.length() + 1][b.length() + 1];
        for (int i = a.length(); i >= 0; i--) {
            for (int j = b.length(); j >= 0; j--) {
                meet[i][j] = i == a.length() && j == b.length() || step(a, b, i, j, meet);
            }
        }
        return meet[0][0];
    }

    // Whether the rest of a from i and the rest of b from j have a text in common. A star is passed over, or takes
    // one symbol of the other side and stays.
    private static boolean step(String a, String b, int i, int j, boolean[][] meet) {
        if (i < a.length() && a.charAt(i) == Glob.MAYBE) {
            return meet[i + 1][j] || meet[i + Glob.MAYBE_LENGTH][j];
        }
        if (j < b.length() && b.charAt(j) == Glob.MAYBE) {
            return meet[i][j + 1] || meet[i][j + Glob.MAYBE_LENGTH];
        }
        boolean starA = i < a.length() && isStar(a.charAt(i));
        boolean starB = j < b.length() && isStar(b.charAt(j));
        if (starA && meet[i + 1][j] || starB && meet[i][j + 1]) {
            return true;
        }
        if (i == a.length() || j == b.length() || !compatible(a.charAt(i), b.charAt(j))) {
            return false;
        }
        if (starA && !starB) {
            return meet[i][j + 1];
        }
        if (starB && !starA) {
            return meet[i + 1][j];
        }
        return !starA && meet[i + 1][j + 1];
    }

    private static boolean isStar(char symbol) {
        return symbol == Glob.ANY || symbol == Glob.ANY_BUT_SLASH;
    }

    private static boolean compatible(char a, char b) {
        boolean wild = a <= Glob.ONE_BUT_SLASH || b <= Glob.ONE_BUT_SLASH;
        if (!wild) {
            return a == b;
        }
        boolean aTakesSlash = a == Glob.ANY || a == '/';
        boolean bTakesSlash = b == Glob.ANY || b == '/';
        boolean slash = a == '/' || b == '/';
        return !slash || aTakesSlash && bTakesSlash;
    }
}
