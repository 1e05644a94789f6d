package dev.entrepot.replicator.schedule;

/** What is done when a rule is due. */
@FunctionalInterface
public interface RuleTask {
    /**
     * Runs the rule, on the calling thread; an interrupt ends it. Reports its own failures. A rule may be due while it
     * runs: what an earlier run is not done with is for this to leave out, and to see to later.
     *
     * @param rule name of the rule
     * @param trigger why it runs: {@code schedule}, or what was given for it
     */
    void run(String rule, String trigger);
}
