package dev.entrepot.cache;

import dev.entrepot.oci.BlobBody;
import dev.entrepot.oci.ByteRange;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.KnownManifests;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.Referrers;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.RepositorySource;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.TagPage;
import java.io.IOException;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * An upstream that is not asked where a rule says that it is offline: the one way from the cache to an upstream, so
 * that nothing can go around the rule. Rules may change between two requests. Thread-safe.
 */
final class GuardedSource implements RepositorySource {
    private final RepositorySource upstream;
    private final CacheRules rules;
    private final RuleCounters counters;
    private final Runnable heard;

    /**
     * Over an upstream.
     *
     * @param heard is run when it has answered a request about manifests, tags or lists: a question may take several,
     *     and one that gets on is not one that nobody answers
     */
    GuardedSource(RepositorySource upstream, CacheRules rules, RuleCounters counters, Runnable heard) {
        this.upstream = upstream;
        this.rules = rules;
        this.counters = counters;
        this.heard = heard;
    }

    private <T> T heard(T answer) {
        heard.run();
        return answer;
    }

    /** Whether there is an upstream that rules let be asked for blobs. */
    boolean mayBeAsked() {
        return !(upstream instanceof Unasked)
                && !rules.of(upstream.repository()).offline();
    }

    private void passWithoutTag(Object what) throws OutageException {
        refuse(rules.of(upstream.repository()), what);
    }

    private void pass(ManifestReference reference) throws OutageException {
        switch (reference) {
            case Tag tag -> refuse(rules.of(upstream.repository(), tag), "tag " + tag);
            case Digest digest -> passWithoutTag("manifest " + digest);
        }
    }

    private void refuse(CacheSettings settings, Object what) throws OutageException {
        Optional<OutageException> refusal = refusal(upstream.repository(), settings, what);
        if (refusal.isPresent()) {
            counters.count(RuleEvent.OFFLINE);
            throw refusal.get();
        }
    }

    /** Why the upstream is not asked for something, if it is not. */
    static Optional<OutageException> refusal(Repository repository, CacheSettings settings, Object what) {
        return settings.offline()
                ? Optional.of(new OutageException(
                        OutageException.Reason.NOT_ASKED,
                        "the upstream is not asked for " + what + " of " + repository + ": it is offline by "
                                + settings.rule(Setting.OFFLINE)))
                : Optional.empty();
    }

    @Override
    public Repository repository() {
        return upstream.repository();
    }

    @Override
    public Optional<Descriptor> resolve(ManifestReference reference) throws IOException {
        pass(reference);
        return heard(upstream.resolve(reference));
    }

    @Override
    public ManifestBytes fetchManifest(ManifestReference reference) throws IOException {
        pass(reference);
        return heard(upstream.fetchManifest(reference));
    }

    /**
     * A manifest for a request by tag, which the settings of the tag are for: by the tag, or by a digest that it names.
     */
    ManifestBytes fetchManifestFor(Tag tag, ManifestReference reference) throws IOException {
        pass(tag);
        return heard(upstream.fetchManifest(reference));
    }

    @Override
    public Optional<OptionalLong> statBlob(Digest digest) throws IOException {
        passWithoutTag("blob " + digest);
        return upstream.statBlob(digest);
    }

    @Override
    public BlobBody openBlob(Digest digest, ByteRange range) throws IOException {
        passWithoutTag("blob " + digest);
        return upstream.openBlob(digest, range);
    }

    @Override
    public BlobBody openBlob(Digest digest, ByteRange range, OptionalLong knownBytes) throws IOException {
        passWithoutTag("blob " + digest);
        return upstream.openBlob(digest, range, knownBytes);
    }

    @Override
    public boolean ignoresRanges() {
        return upstream.ignoresRanges();
    }

    @Override
    public void refuted(Digest digest) {
        upstream.refuted(digest);
    }

    @Override
    public TagPage listTags(Optional<String> cursor) throws IOException {
        passWithoutTag("the tag list");
        return heard(upstream.listTags(cursor));
    }

    @Override
    public Optional<OutageException> outage() {
        return upstream.outage();
    }

    @Override
    public Optional<OutageException> held(boolean blob) {
        return upstream.held(blob);
    }

    @Override
    public Optional<OutageException> reserved() {
        return upstream.reserved();
    }

    @Override
    public Optional<OutageException> spent() {
        return upstream.spent();
    }

    @Override
    public boolean countsPulls() {
        return upstream.countsPulls();
    }

    @Override
    public Optional<OutageException> blobOutage() {
        return upstream.blobOutage();
    }

    @Override
    public Referrers referrers(Digest subject) throws IOException {
        passWithoutTag("the referrers of " + subject);
        return heard(upstream.referrers(subject));
    }

    @Override
    public Referrers referrers(Digest subject, KnownManifests known) throws IOException {
        passWithoutTag("the referrers of " + subject);
        return heard(upstream.referrers(subject, known));
    }
}
