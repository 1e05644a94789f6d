package dev.entrepot.replicator.schedule;

/** What is done when a rule is due. */
@FunctionalInterface
public interface RuleTask {
    /**
     * Runs the rule, on the calling thread; an interrupt ends it. Reports its own failures.
     *
     * @param rule name of the rule
     * @param trigger why it runs: {@code schedule}, or what was given for it
     */
    void run(String rule, String trigger);
}
