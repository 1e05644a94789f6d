package dev.entrepot.replicator.events;

import dev.entrepot.replicator.RetryPolicy;
import dev.entrepot.replicator.Time;
import dev.entrepot.replicator.events.EventPost.Outcome;
import dev.entrepot.replicator.events.EventPost.Result;
import dev.entrepot.replicator.events.EventQueue.Message;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the thread of an {@link EventQueue} does: tries the first message until it is taken or given up, then the next.
 *
 * <p>A receiver that fails (500) at a message fails at this message or at all. Which of both it is shows in what it
 * says of another. So, when it has failed at the first for a few times, those behind are posted, too, once each and in
 * order, just after it failed again:
 *
 * <ul>
 *   <li>If none is taken, nothing is known, and nothing is given up for it: the first is tried on, as at a receiver
 *       that is away. One that fails at all for minutes is told everything in the end.
 *   <li>If one is taken, the receiver is there, and fails at those before that one. Each of them has a last attempt,
 *       because the receiver may have come back in just that moment, and is given up if that fails. So messages that it
 *       fails at cost one wait together, however many they are in a row, and not one each. (In such a moment, and only
 *       then, one message comes before some that it was behind.)
 * </ul>
 *
 * <p>What is posted so is at most one message for each second since it was done last: seven at first, which is when the
 * first has been tried four times. It begins at the front each time, and is done again when it can go twice as far
 * back, or to the end, and no sooner than after twice the time that it took: a thousand in a row that the receiver
 * fails at are got over within an hour where it answers at once, a hundred in half an hour where each answer takes two
 * seconds, and a receiver that fails at all is not stormed. It ends where the receiver is away, or when it has taken as
 * long as the rest before it. Nothing but the queue holds those behind meanwhile: what has to make room there is not
 * posted any more.
 *
 * <p>One that is taken shows that the receiver is there, and no more. So a receiver that fails at one type of event for
 * minutes, while it takes another, loses those of the first that are before one of the second, each after its last
 * attempt; and one that fails at most posts, whatever they are, loses some.
 */
final class EventDelivery {
    private static final Logger LOG = LoggerFactory.getLogger(EventDelivery.class);
    // After so many the listener hears of it, a refusal is believed, and those behind are asked about a failure.
    private static final int FEW_ATTEMPTS = 4;
    private static final int FIRST_LOOK = 8;
    private static final long NANOS_PER_SECOND = 1_000_000_000;

    private final EventQueue queue;
    private final EventPost post;
    private final RetryPolicy retries;
    private final Time time;
    private final EventQueue.Listener listener;
    // What the listener was told.
    private boolean failing;
    // Since something was taken last: whether anything failed, how many behind the first were posted last, how long
    // that took, and since when none was.
    private boolean out;
    private int lookedAt;
    private long lookTookNanos;
    private long restsFromNanos;

    EventDelivery(EventQueue queue, EventPost post, RetryPolicy retries, Time time, EventQueue.Listener listener) {
        this.queue = queue;
        this.post = post;
        this.retries = retries;
        this.time = time;
        this.listener = listener;
    }

    /** Delivers until the queue is closed. */
    void all() {
        try {
            while (true) {
                Optional<Message> message = queue.next();
                if (message.isEmpty()) {
                    return;
                }
                queue.done(isDelivered(message.get()));
            }
        } catch (InterruptedException e) {
            queue.done(false);
        }
    }

    // Whatever comes of one, those behind it have their turn.
    private boolean isDelivered(Message message) throws InterruptedException {
        try {
            return deliver(message);
        } catch (RuntimeException | Error e) {
            LOG.error("a message could not be posted, and is given up", e);
            return false;
        }
    }

    private boolean deliver(Message message) throws InterruptedException {
        int few = Math.min(FEW_ATTEMPTS, retries.attempts());
        for (int attempt = 1; attempt <= retries.attempts(); attempt++) {
            if (attempt > 1) {
                time.sleeper().sleep(retries.pause(attempt - 1));
            }
            Result result = attempt(message);
            if (result.outcome() == Outcome.TAKEN) {
                return true;
            }
            if (attempt >= few) {
                tell(result.why());
                if (result.outcome() == Outcome.REFUSED) {
                    return false;
                }
                Optional<Message> taken =
                        result.outcome() == Outcome.FAILED ? firstTakenBehind(message) : Optional.empty();
                if (taken.isPresent()) {
                    Outcome last = attempt(message).outcome();
                    if (last == Outcome.REFUSED || last == Outcome.FAILED) {
                        giveUpBetween(message, taken.get());
                        return false;
                    }
                    if (last == Outcome.TAKEN) {
                        return true;
                    }
                }
            }
        }
        return false;
    }

    private Result attempt(Message message) throws InterruptedException {
        Result result = post.once(message);
        if (result.outcome() == Outcome.TAKEN) {
            out = false;
            if (failing) {
                failing = false;
                listener.takesAgain();
            }
        } else if (!out) {
            out = true;
            lookedAt = 0;
            lookTookNanos = 0;
            restsFromNanos = time.nanoTime().getAsLong();
        }
        return result;
    }

    private void tell(String failure) {
        if (!failing) {
            failing = true;
            listener.fails(failure);
        }
    }

    // Posts those behind, in order and until one is taken, and says which that is.
    private Optional<Message> firstTakenBehind(Message first) throws InterruptedException {
        long began = time.nanoTime().getAsLong();
        long rest = began - restsFromNanos;
        int most = (int) Math.min(rest / NANOS_PER_SECOND, Math.max(FIRST_LOOK, 2L * lookedAt));
        int waiting = queue.behind();
        if (most == 0
                || waiting == 0
                || most < Math.min(2L * lookedAt, waiting)
                // Or it would end where the last one ended.
                || rest < 2 * lookTookNanos) {
            return Optional.empty();
        }
        int looked = 0;
        Optional<Message> next = queue.firstBehind(first);
        while (looked < most && next.isPresent()) {
            Message message = next.get();
            Outcome outcome = attempt(message).outcome();
            if (outcome == Outcome.TAKEN) {
                queue.settle(message, true);
                return next;
            }
            looked++;
            if (outcome == Outcome.AWAY || time.nanoTime().getAsLong() - began > rest) {
                break;
            }
            next = queue.firstBehind(message);
        }
        lookedAt = looked;
        restsFromNanos = time.nanoTime().getAsLong();
        lookTookNanos = restsFromNanos - began;
        return Optional.empty();
    }

    private void giveUpBetween(Message first, Message taken) throws InterruptedException {
        Optional<Message> next = queue.firstBehind(first);
        while (next.isPresent() && next.get().number() < taken.number()) {
            Message message = next.get();
            Outcome last = attempt(message).outcome();
            if (last == Outcome.AWAY) {
                return;
            }
            queue.settle(message, last == Outcome.TAKEN);
            if (last == Outcome.TAKEN) {
                // It comes and goes: the others are tried as any.
                return;
            }
            next = queue.firstBehind(message);
        }
    }
}
