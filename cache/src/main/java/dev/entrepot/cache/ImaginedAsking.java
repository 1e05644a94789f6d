package dev.entrepot.cache;

import dev.entrepot.cache.Explanation.Asks;
import dev.entrepot.cache.Explanation.Outcome;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.RegistryException;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.RepositorySource;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What comes of asking the upstream of a repository, and whether it is asked at all: refused by rule, answered with a
 * failure that is remembered, not sent to an upstream that is out or has no pull left, or put to an imagined one. Asks
 * nobody. For one explanation and one thread.
 *
 * @param answering has the failures that are remembered, and the time
 * @param source the upstream, which is asked nothing but how questions would be refused now, as far as is known
 * @param mirrors which mirrors would be asked first
 */
record ImaginedAsking(
        Repository repository, Answering answering, RepositorySource source, Explanation.Mirrors mirrors) {
    /**
     * Whether the upstream is asked.
     *
     * @param asks whether a request now asks it
     * @param next from when on one does; empty for never, or where the next request does
     */
    record Checking(Asks asks, Optional<Instant> next) {
        static final Checking NEVER = new Checking(Asks.NOT, Optional.empty());
    }

    /** Of something that is not served before anybody is asked. */
    Checking checking(Question question, CacheSettings settings, ManifestReference asked) {
        if (GuardedSource.refusal(repository, settings, asked).isPresent()) {
            return Checking.NEVER;
        }
        return Stream.of(answering.rememberedUntil(question, settings), leftAloneUntil(question, settings, asked))
                .flatMap(Optional::stream)
                .max(Comparator.naturalOrder())
                .map(until -> new Checking(Asks.NOT, Optional.of(until)))
                .orElseGet(() -> new Checking(Asks.BEFORE, Optional.empty()));
    }

    // Until when no request is sent to an upstream that was out, nor to a mirror of it. Where no pull is left one may
    // be sent all the same, to see whether that is still so.
    private Optional<Instant> leftAloneUntil(Question question, CacheSettings settings, ManifestReference asked) {
        return outage(question)
                .filter(known -> known.reason() == OutageException.Reason.NOT_ASKED || known.isHeld())
                .filter(known -> mirrors.askedFor(asked, aboutBlob(question)).isEmpty())
                .flatMap(OutageException::retryAfter)
                .map(answering.judge(settings).now()::plus);
    }

    /** How asking the upstream fails, if it does. */
    Optional<RegistryException> ask(Question question, CacheSettings settings, Object what, ImaginedUpstream imagined) {
        return answering
                .remembered(question, settings)
                .or(() -> GuardedSource.refusal(repository, settings, what))
                .or(() -> outage(question))
                .or(() -> imagined.failure(what));
    }

    /** As above, where it costs a pull: with none left, nobody is asked. */
    Optional<RegistryException> pull(
            Question question, CacheSettings settings, Object what, ImaginedUpstream imagined) {
        return ask(question, settings, what, ImaginedUpstream.UP)
                .or(source::spent)
                .or(() -> imagined.failure(what));
    }

    private Optional<OutageException> outage(Question question) {
        boolean blob = aboutBlob(question);
        return (blob ? source.blobOutage() : source.outage()).or(() -> source.held(blob));
    }

    // Blobs have a circuit breaker of their own.
    private static boolean aboutBlob(Question question) {
        return question instanceof Question.ForBlob || question instanceof Question.ForProof proof && !proof.manifest();
    }

    /**
     * What is said of the bytes of a digest that the upstream does not give; empty if no mirror may have them. Who is
     * answered with a failure that is remembered asks no mirror either.
     */
    Optional<Outcome> elsewhere(Question question, Digest digest, CacheSettings settings) {
        boolean nobody = GuardedSource.refusal(repository, settings, digest).isPresent()
                || answering.remembered(question, settings).isPresent();
        List<String> first = nobody ? List.of() : mirrors.askedFor(digest, false);
        return first.isEmpty() ? Optional.empty() : Optional.of(atMirrors(first));
    }

    /**
     * A way on which mirrors may be asked before the upstream: where its own answer is not the only one that counts, it
     * is not said what comes of its failure.
     */
    ImaginedWay overMirrors(
            ManifestReference reference, boolean blob, CacheSettings settings, Asks asks, ImaginedWay way) {
        List<String> first = asks == Asks.BEFORE ? mirrors.askedFor(reference, blob) : List.of();
        boolean offline = GuardedSource.refusal(repository, settings, reference).isPresent();
        if (first.isEmpty() || offline) {
            return way;
        }
        return imagined -> {
            Outcome own = way.with(imagined);
            boolean upstreamFails = own instanceof Outcome.Failed
                    || own instanceof Outcome.Served served && served.verdict() == Verdict.STALE;
            return upstreamFails ? atMirrors(first) : own;
        };
    }

    private static Outcome atMirrors(List<String> first) {
        return new Outcome.Unknown("whether it is at " + String.join(" or ", first));
    }
}
