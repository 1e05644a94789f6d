package dev.entrepot.cache;

import dev.entrepot.cache.Judgement.Window;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Referrers;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.Tag;
import java.io.IOException;
import java.util.List;

/** The lists of one repository, tags and referrers, as they are answered. Thread-safe. */
final class ListPulls {
    private final Repository repository;
    private final Readers readers;
    private final Admission admission;
    private final GuardedSource upstream;
    private final ListCache lists;
    private final Answering answering;
    private final ReferrersFace face;

    ListPulls(PullBasis basis, ListCache lists) {
        this.repository = basis.repository();
        this.readers = basis.readers();
        this.admission = basis.admission();
        this.upstream = basis.upstream();
        this.lists = lists;
        this.answering = basis.cache().answering();
        this.face = basis.cache().referrersFace();
    }

    /** As {@link PullThrough#tags}. */
    Answer<List<Tag>> tags() throws IOException {
        CacheSettings settings = admission.admitted();
        return answering.answer(
                new Question.ForTags(repository, readers),
                settings,
                upstream::outage,
                admission.window(Window.ofTags(settings)),
                lists::keptTags,
                lists::askTags,
                admission.forgetting(lists::forgetTags));
    }

    /** As {@link PullThrough#referrers}. */
    Answer<Referrers> referrers(Digest subject) throws IOException {
        Answer<Referrers> answer = referrersOf(subject, admission.admitted());
        return switch (answer.content().origin()) {
            case API -> answer;
            case FALLBACK_TAG -> {
                face.sawFallbackTag(repository);
                yield answer;
            }
            case NONE ->
                face.showsEmptyLists(repository, () -> tags().content())
                        ? answer.map(none -> new Referrers(Referrers.Origin.FALLBACK_TAG, List.of()))
                        : answer;
        };
    }

    /** The referrers of a digest by settings that have been looked at already, whatever their origin. */
    Answer<Referrers> referrersOf(Digest subject, CacheSettings settings) throws IOException {
        return answering.answer(
                new Question.ForReferrers(repository, subject, readers),
                settings,
                upstream::outage,
                admission.window(Window.ofReferrers(settings)),
                () -> lists.keptReferrers(subject),
                () -> lists.askReferrers(subject),
                admission.forgetting(() -> lists.forgetReferrers(subject)));
    }
}
