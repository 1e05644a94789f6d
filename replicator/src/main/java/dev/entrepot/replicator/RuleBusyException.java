package dev.entrepot.replicator;

/** A rule is running already, and runs of one rule do not overlap. */
public final class RuleBusyException extends Exception {
    /** Names the rule. */
    public RuleBusyException(String rule) {
        super("rule " + rule + " is running already");
    }
}
