package dev.entrepot.bench;

/** What a figure is meant to reach. */
sealed interface Goal {
    /** At least this much. */
    record AtLeast(double bound) implements Goal {}

    /** At most this much. */
    record AtMost(double bound) implements Goal {}

    /** Nothing was promised; the figure is there to be known. */
    record Open() implements Goal {}

    /** Whether the median reaches the goal. */
    default boolean isMetBy(Samples samples) {
        return switch (this) {
            case AtLeast(double bound) -> samples.median() >= bound;
            case AtMost(double bound) -> samples.median() <= bound;
            case Open() -> true;
        };
    }

    /** The goal and whether it was met, for a table. */
    default String judge(Samples samples) {
        String outcome = isMetBy(samples) ? "met" : "**missed**";
        return switch (this) {
            case AtLeast(double bound) -> "≥ " + Samples.format(bound) + ", " + outcome;
            case AtMost(double bound) -> "≤ " + Samples.format(bound) + ", " + outcome;
            case Open() -> "";
        };
    }
}
