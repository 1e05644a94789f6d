package dev.entrepot.cache;

import dev.entrepot.cache.Judgement.Step;
import dev.entrepot.cache.Judgement.Window;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.Referrers;
import dev.entrepot.oci.RegistryException;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * Whether digests are exempt from a minimum age because of what refers to them, as one request finds it out from an
 * imagined upstream. For one thread.
 */
final class ImaginedExemptions implements Predicate<Digest> {
    private final ImaginedAsking asking;
    private final ListCache lists;
    private final CacheSettings untagged;
    private final MinAge minAge;
    private final ImaginedUpstream upstream;
    private boolean unknown;

    /**
     * Those of a request.
     *
     * @param lists the lists of the repository
     * @param untagged what rules say of what has no tag
     */
    ImaginedExemptions(
            ImaginedAsking asking, ListCache lists, CacheSettings untagged, MinAge minAge, ImaginedUpstream upstream) {
        this.asking = asking;
        this.lists = lists;
        this.untagged = untagged;
        this.minAge = minAge;
        this.upstream = upstream;
    }

    @Override
    public boolean test(Digest digest) {
        return minAge.asksReferrers()
                && referrers(digest)
                        .filter(found -> TagPulls.isSigned(found, minAge))
                        .isPresent();
    }

    /** Whether any that was tested depends on referrers that nobody has asked for yet. */
    boolean isUnknown() {
        return unknown;
    }

    private Optional<Referrers> referrers(Digest digest) {
        Optional<Kept<Referrers>> kept = lists.keptReferrers(digest);
        Judgement judgement = asking.answering().judge(untagged);
        if (judgement.step(Window.ofReferrers(untagged), kept.map(Kept::confirmedAt)) != Step.ASK) {
            return kept.map(Kept::content);
        }
        Question question = new Question.ForReferrers(asking.repository(), digest, Readers.CLIENTS);
        Optional<RegistryException> failure = asking.ask(question, untagged, "the referrers of " + digest, upstream);
        if (failure.isEmpty()) {
            unknown |= kept.isEmpty();
            return kept.map(Kept::content);
        }
        // An upstream that has nothing of it has an empty list, which is no failure.
        boolean none = failure.get() instanceof NotFoundException
                && asking.answering().remembered(question, untagged).isEmpty();
        return none
                ? Optional.empty()
                : kept.flatMap(found -> judgement.inPlaceOf(failure.get(), found))
                        .map(Answer::content);
    }
}
