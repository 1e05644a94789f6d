package dev.entrepot.config;

import java.util.Collection;
import java.util.Comparator;
import java.util.Locale;
import java.util.Optional;

/** Finds the known word that an unknown one was probably meant to be. */
public final class Nearest {
    private static final int LONGEST = 64;

    private Nearest() {}

    /**
     * The nearest of {@code known}, if it takes no more than a third of its letters, and at least two are allowed, to
     * get there.
     */
    public static Optional<String> to(String unknown, Collection<String> known) {
        if (unknown.length() > LONGEST) {
            return Optional.empty();
        }
        return known.stream()
                .min(Comparator.comparingInt((String word) -> distance(unknown, word))
                        .thenComparing(Comparator.naturalOrder()))
                .filter(word -> distance(unknown, word) <= Math.max(2, word.length() / 3))
                .filter(word -> distance(unknown, word) < word.length());
    }

    // Levenshtein's distance, with swapped neighbours as one step; case and the choice of - or _ do not count.
    private static int distance(String left, String right) {
        String a = fold(left);
        String b = fold(right);
        int[][] steps = new int[a.length() + 1][b.length() + 1];
        for (int i = 0; i <= a.length(); i++) {
            for (int j = 0; j <= b.length(); j++) {
                steps[i][j] = i == 0 || j == 0 ? i + j : step(a, b, i, j, steps);
            }
        }
        return steps[a.length()][b.length()];
    }

    private static int step(String a, String b, int i, int j, int[][] steps) {
        int change = a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1;
        int best = Math.min(steps[i - 1][j - 1] + change, Math.min(steps[i - 1][j], steps[i][j - 1]) + 1);
        boolean swapped = i > 1 && j > 1 && a.charAt(i - 1) == b.charAt(j - 2) && a.charAt(i - 2) == b.charAt(j - 1);
        return swapped ? Math.min(best, steps[i - 2][j - 2] + 1) : best;
    }

    private static String fold(String word) {
        return word.toLowerCase(Locale.ROOT).replace("_", "").replace("-", "");
    }
}
