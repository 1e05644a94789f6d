package dev.entrepot.cache;

import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.RegistryException;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.Repository;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Which upstreams say nothing, so that the clients of one wait for that once and together, whatever they ask.
 *
 * <p>An upstream is silent to a client when it owes a question that a client waits for an answer for longer than this
 * client would wait, and has answered nothing about manifests, tags or lists since that was asked. So who asks while
 * this is found out waits no longer than until the time of the question that was asked first is up, unless the upstream
 * answers anything meanwhile.
 *
 * <p>It stays silent when that request ends: that one has left something without an answer to its end is remembered
 * until it answers anything, whatever the answer, or shows at once how it fails. One repository is not the registry:
 * those of the others are spared the wait as soon as the same has become of four. Nobody waits for the requests that
 * show whether it is back; how many there are is a matter of its circuit breaker. Three minutes without one are longer
 * than that leaves it alone: nobody has asked. Who comes then waits once more, lest what is hours old be served of an
 * upstream that has long been back.
 *
 * <p>In memory, a few words and at most four names for each upstream. Times are those of
 * {@link SharedCalls#nanoTime()}. Thread-safe.
 */
final class SilentUpstreams {
    /**
     * For how long after its last request without an answer has ended an upstream, or a repository of one, counts as
     * silent.
     */
    static final Duration MEMORY = Duration.ofMinutes(3);

    /**
     * What fails sooner shows at once that it is out, even where a client would not wait for so long: the requests that
     * are sent anew when a connection breaks, and the pauses before them, take up to half a second by themselves, and
     * as long again for a token.
     */
    static final Duration AT_ONCE = Duration.ofSeconds(2);

    /** So many repositories are taken for all of the upstream. */
    static final int ALL = 4;

    private final Map<RegistryHost, Known> registries = new ConcurrentHashMap<>();

    private static final class Known {
        /**
         * Of the questions that clients wait for and that were asked since the last answer, the one that was asked
         * first.
         */
        private Optional<SharedCalls.UnderWay> first = Optional.empty();

        private Optional<Long> answeredAt = Optional.empty();

        /**
         * When something about a repository was last left without an answer, since the last answer; the latest last.
         */
        private final Map<Repository, Long> inVain = new LinkedHashMap<>();

        synchronized void answered(long nowNanos) {
            first = Optional.empty();
            answeredAt = Optional.of(nowNanos);
            inVain.clear();
        }

        synchronized void inVain(Repository repository, long askedNanos, long nowNanos) {
            if (isAnsweredSince(askedNanos)) {
                return;
            }
            inVain.remove(repository);
            if (inVain.size() == ALL) {
                inVain.remove(inVain.keySet().iterator().next());
            }
            inVain.put(repository, nowNanos);
        }

        synchronized Duration leftBehind(
                Repository repository, SharedCalls.UnderWay call, long nowNanos, Duration longest) {
            return isSilent(repository, nowNanos) ? Duration.ZERO : longest.minusNanos(nowNanos - call.startNanos());
        }

        synchronized Duration left(Repository repository, SharedCalls.UnderWay call, long nowNanos, Duration deadline) {
            if (isSilent(repository, nowNanos)) {
                return Duration.ZERO;
            }
            Optional<SharedCalls.UnderWay> earlier =
                    first.filter(asked -> !asked.isEnded() && asked.startNanos() - call.startNanos() < 0);
            // What was asked before the last answer says nothing of what came after it.
            if (earlier.isEmpty() && !isAnsweredSince(call.startNanos())) {
                first = Optional.of(call);
            }
            return deadline.minusNanos(nowNanos - earlier.orElse(call).startNanos());
        }

        private boolean isSilent(Repository repository, long nowNanos) {
            if (inVain.isEmpty()) {
                return false;
            }
            inVain.values().removeIf(at -> nowNanos - at >= MEMORY.toNanos());
            return inVain.size() == ALL || inVain.containsKey(repository);
        }

        private boolean isAnsweredSince(long nanos) {
            return answeredAt.isPresent() && answeredAt.get() - nanos >= 0;
        }
    }

    private Known of(RegistryHost registry) {
        return registries.computeIfAbsent(registry, name -> new Known());
    }

    /** Notes that a question was answered, whatever was said. */
    void answered(Question question, long nowNanos) {
        if (isOfRegistry(question)) {
            answered(question.repository().registry(), nowNanos);
        }
    }

    // Where blobs are kept may be silent, and their registry not, or the other way round.
    private static boolean isOfRegistry(Question question) {
        return !(question instanceof Question.ForProof proof) || proof.manifest();
    }

    /** Notes that an upstream has answered something about manifests, tags or lists, whatever it said. */
    void answered(RegistryHost registry, long nowNanos) {
        of(registry).answered(nowNanos);
    }

    /**
     * Notes that a question has failed, and what that shows of whether its upstream says anything.
     *
     * @param deadline how long a client waits for it; zero where none would
     */
    void failed(Question question, RegistryException failure, long askedNanos, long nowNanos, Duration deadline) {
        if (!isOfRegistry(question)) {
            return;
        }
        long atOnceNanos = Math.max(AT_ONCE.toNanos(), deadline.toNanos());
        boolean atOnce = nowNanos - askedNanos < atOnceNanos;
        Known known = of(question.repository().registry());
        switch (failure instanceof OutageException outage
                ? sign(outage, atOnce, isInBackground(question))
                : Sign.SPEAKS) {
            case SPEAKS -> known.answered(nowNanos);
            case SILENT -> known.inVain(question.repository(), askedNanos, nowNanos);
            case NONE -> {}
        }
    }

    private enum Sign {
        SPEAKS,
        SILENT,
        NONE
    }

    // Replication, exports and what else asks behind all clients waits for a slot, for its rule's pace, or for a
    // registry that wants to be left alone, before anything is sent.
    private static boolean isInBackground(Question question) {
        return switch (question) {
            case Question.ForManifest asked -> asked.readers().behind();
            case Question.ForDescriptor asked -> asked.readers().behind();
            case Question.ForName asked -> asked.readers().behind();
            case Question.ForProof asked -> asked.readers().behind();
            case Question.ForReferrers asked -> asked.readers().behind();
            case Question.ForTags asked -> asked.readers().behind();
            case Question.ForBlob _, Question.ForBlobSize _ -> false;
        };
    }

    // What cannot be connected to is out, and not silent, if that shows at once; what breaks off later has said
    // nothing, unless it may have been sent only just before.
    private static Sign sign(OutageException outage, boolean atOnce, boolean inBackground) {
        return switch (outage.reason()) {
            case SERVER_ERROR -> Sign.SPEAKS;
            case RATE_LIMITED -> outage.isHeld() ? Sign.NONE : Sign.SPEAKS;
            case UNREACHABLE, DNS, TLS, TOKEN_SERVICE -> atOnce ? Sign.SPEAKS : inBackground ? Sign.NONE : Sign.SILENT;
            // A time-out, on the wire or here, has a cause, an answer of 408 has none.
            case TIMEOUT -> outage.getCause() == null ? Sign.SPEAKS : Sign.SILENT;
            case NOT_ASKED, QUOTA -> Sign.NONE;
        };
    }

    /**
     * For how much longer a client waits for a call about a question; zero or less if it does not. Who asks behind
     * clients waits for his turn, too: that is no silence, neither to him nor to them.
     *
     * @param deadline how long a client waits at most for an upstream that says nothing
     * @param longest how long who asks behind clients waits at most
     */
    Duration left(Question question, SharedCalls.UnderWay call, long nowNanos, Duration deadline, Duration longest) {
        Repository repository = question.repository();
        Known known = of(repository.registry());
        return isInBackground(question)
                ? known.leftBehind(repository, call, nowNanos, longest)
                : known.left(repository, call, nowNanos, deadline);
    }
}
