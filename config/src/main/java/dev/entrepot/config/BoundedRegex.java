package dev.entrepot.config;

import java.util.Optional;
import java.util.regex.Pattern;

/**
 * A regular expression that gives up on a name after so many steps. Expressions that go back may take longer than
 * anybody lives for a name that somebody has chosen for that. A step is one look at a letter of the name.
 */
final class BoundedRegex {
    /** A name is given up after this many steps, which take about a millisecond. */
    static final int MOST_STEPS = 100_000;

    // Longer ones go too deep before they have taken so many steps. No name is that long, but an artifact type may be.
    private static final int LONGEST_NAME = 1024;

    private final Pattern pattern;

    /** Compiles an expression that is known to be one. */
    BoundedRegex(String text) {
        this.pattern = Pattern.compile(text);
    }

    /** Whether the whole name matches; empty if that takes too many steps. */
    Optional<Boolean> matches(String name) {
        if (name.length() > LONGEST_NAME) {
            return Optional.empty();
        }
        try {
            return Optional.of(pattern.matcher(new Counted(name)).matches());
        } catch (TooManySteps e) {
            return Optional.empty();
        }
    }

    /** A text that may be looked at so many times. */
    private static final class Counted implements CharSequence {
        private final String text;
        private int left = MOST_STEPS;

        Counted(String text) {
            this.text = text;
        }

        @Override
        public char charAt(int index) {
            if (left-- == 0) {
                throw new TooManySteps();
            }
            return text.charAt(index);
        }

        @Override
        public int length() {
            return text.length();
        }

        @Override
        public CharSequence subSequence(int start, int end) {
            return text.subSequence(start, end);
        }

        @Override
        public String toString() {
            return text;
        }
    }

    /** Ends a match that takes too long. */
    private static final class TooManySteps extends RuntimeException {
        private static final long serialVersionUID = 1;

        TooManySteps() {
            super("too many steps", null, false, false);
        }
    }
}
