package dev.entrepot.cache;

import dev.entrepot.oci.RegistryHost;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Which upstreams say nothing: a question has been waiting for an answer for longer than a request would, and none about manifests, tags or lists has come since it was
 * asked. One request finds that out for all. Times are those of {@link SharedCalls#nanoTime()}. Thread-safe.
 */
final class SilentUpstreams {
    private final Map<RegistryHost, Known> registries = new ConcurrentHashMap<>();

    private static final class Known {
        private final Map<Question, SharedCalls.UnderWay> late = new ConcurrentHashMap<>();
        private volatile long answeredAt;
        private volatile boolean answered;

        boolean isAnsweredSince(long nanos) {
            return answered && answeredAt - nanos >= 0;
        }
    }

    private Known of(RegistryHost registry) {
        return registries.computeIfAbsent(registry, name -> new Known());
    }

    /** Notes that a question was not answered in time. */
    void late(Question question, SharedCalls.UnderWay call) {
        of(question.repository().registry()).late.put(question, call);
    }

    /** Notes that the upstream of a question has answered it, whatever it said. */
    void answered(Question question, long nowNanos) {
        Known known = of(question.repository().registry());
        known.answeredAt = nowNanos;
        known.answered = true;
        // What was asked before this says nothing any more.
        if (!known.late.isEmpty()) {
            known.late.values().removeIf(call -> nowNanos - call.startNanos() >= 0);
        }
    }

    /** Whether the upstream of a question owes one an answer for at least this time, and has given none since. */
    boolean isSilent(Question question, long nowNanos, Duration time) {
        Known known = of(question.repository().registry());
        known.late.values().removeIf(call -> call.ended().getAsBoolean());
        return known.late.values().stream()
                .anyMatch(call ->
                        nowNanos - call.startNanos() >= time.toNanos() && !known.isAnsweredSince(call.startNanos()));
    }
}
