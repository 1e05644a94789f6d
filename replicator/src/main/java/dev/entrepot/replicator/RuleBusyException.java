package dev.entrepot.replicator;

/** A rule is running already at all its targets, and never twice at one. */
public final class RuleBusyException extends Exception {
    /** Names the rule. */
    public RuleBusyException(String rule) {
        super("rule " + rule + " is running already");
    }
}
