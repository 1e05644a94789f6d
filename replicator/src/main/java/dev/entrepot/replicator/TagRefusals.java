package dev.entrepot.replicator;

import dev.entrepot.replicator.journal.CompletedTag;
import java.util.List;
import java.util.Optional;

/**
 * Which of the tags that are due in one repository a target is told to delete that refuses to, as it would refuse all:
 * the first {@value #REFUSALS}, and then, as long as nothing went, as many of the rest, spread over all of it. Those
 * are others in each run, so that some that are locked do not keep the others for good. For one use, by one thread.
 */
final class TagRefusals {
    static final int REFUSALS = LeftoverDeletion.REFUSALS;

    private final int due;
    private final long turn;
    private int passed;
    private int refused;
    private boolean went;
    // Of the rest each so many is told to go, where that is more than one.
    private int stride = 1;
    private String answer = "";

    /**
     * Of these.
     *
     * @param due all that are due, in their order
     * @param turn another number in each run
     */
    TagRefusals(List<CompletedTag> due, long turn) {
        this.due = due.size();
        this.turn = turn;
    }

    /** Why the next one is not worth a request; empty if it is. */
    Optional<String> againstNext() {
        int index = passed++;
        if (went || stride == 1 || index % stride == turn % stride) {
            return Optional.empty();
        }
        return Optional.of("not told to, as the target refused the first " + REFUSALS + ": " + answer);
    }

    /** The target refused to delete the one that was asked for last. */
    void refused(String reason) {
        refused++;
        answer = reason;
        if (!went && refused == REFUSALS) {
            stride = Math.max(1, Math.ceilDiv(due - passed, REFUSALS));
        }
    }

    /** It deleted it. */
    void went() {
        went = true;
    }
}
