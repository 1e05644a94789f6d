package dev.entrepot.bench;

/** One thing that is measured; {@code docs/benchmarks.md} says why and how. */
interface Scenario {
    /** The name on the command line. */
    String name();

    /** Starts what it needs in {@code bench}'s workspace, measures, reports, and ends what it started. */
    void run(Bench bench) throws Exception;
}
