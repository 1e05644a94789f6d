package dev.entrepot.cache;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.DescriptorJson;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.KnownManifests;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.Referrers;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.RepositorySource;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.TagPages;
import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * The lists of one repository that only its upstream can give: tags and referrers. Kept as documents with the time at
 * which the upstream gave them. An outage serves what is kept; an answer, even one that the thing is not there,
 * replaces it. There is no way from a failure to an empty list.
 */
final class ListCache {
    private final Repository repository;
    private final RepositorySource upstream;
    private final ListRecords lists;
    private final Clock clock;
    private final KnownManifests manifests;
    private final ParsedLists parsed;

    /**
     * The lists of a repository.
     *
     * @param manifests those that are kept, so that a list of referrers that was made of manifests costs none of them
     *     again
     * @param parsed the lists that are in use, of all repositories
     */
    ListCache(RepositorySource upstream, ListRecords lists, Clock clock, KnownManifests manifests, ParsedLists parsed) {
        this.repository = upstream.repository();
        this.upstream = upstream;
        this.lists = lists;
        this.clock = clock;
        this.manifests = manifests;
        this.parsed = parsed;
    }

    /** The tag list that is kept. */
    Optional<Kept<List<Tag>>> keptTags() {
        return lists.tags(repository)
                .flatMap(document -> parsed.tags(document).map(tags -> new Kept<>(tags, document.fetchedAt())));
    }

    /** The tag list, after asking the upstream for all of its pages. */
    Answer<List<Tag>> askTags() throws IOException {
        TagPages.Listed listed = TagPages.all(repository, upstream::listTags);
        byte[] json = KeptTags.write(new TreeSet<>(listed.tags()), listed.mayBeCut());
        KeptDocument document = new KeptDocument(json, clock.instant());
        lists.putTags(repository, document);
        return Answer.of(parsed.tags(document).orElseThrow(), Verdict.MISS, Duration.ZERO);
    }

    /** Forgets the tag list. */
    void forgetTags() {
        lists.removeTags(repository);
    }

    /** The referrers of a digest that are kept. */
    Optional<Kept<Referrers>> keptReferrers(Digest subject) {
        return lists.referrers(repository, subject)
                .flatMap(document ->
                        parsed.referrers(document).map(referrers -> new Kept<>(referrers, document.fetchedAt())));
    }

    /** The referrers of a digest, after asking the upstream. */
    Answer<Referrers> askReferrers(Digest subject) throws IOException {
        Referrers referrers = upstream.referrers(subject, manifests);
        lists.putReferrers(repository, subject, new KeptDocument(writeReferrers(referrers), clock.instant()));
        return Answer.of(referrers, Verdict.MISS, Duration.ZERO);
    }

    /** Forgets the referrers of a digest. */
    void forgetReferrers(Digest subject) {
        lists.removeReferrers(repository, subject);
    }

    private static byte[] writeReferrers(Referrers referrers) {
        ObjectNode document = JsonNodeFactory.instance.objectNode();
        document.put("origin", referrers.origin().name());
        ArrayNode manifests = document.putArray("manifests");
        referrers.descriptors().forEach(descriptor -> manifests.add(DescriptorJson.write(descriptor)));
        return OciJson.mapper().writeValueAsBytes(document);
    }

    /** Whether two documents of {@link #writeReferrers} name the same referrers, in whatever order. */
    static boolean nameTheSame(KeptDocument one, KeptDocument other) {
        if (Arrays.equals(one.json(), other.json())) {
            return true;
        }
        Optional<Set<Descriptor>> named = named(one);
        return named.isPresent() && named.equals(named(other));
    }

    private static Optional<Set<Descriptor>> named(KeptDocument document) {
        return readReferrers(document.json()).map(referrers -> new HashSet<>(referrers.descriptors()));
    }

    /**
     * The list that a document of {@link #writeReferrers} holds; empty if it cannot be read. A document of ours that
     * cannot be read is as good as none: the upstream is asked.
     */
    static Optional<Referrers> readReferrers(byte[] json) {
        try {
            JsonNode document = OciJson.mapper().readTree(json);
            List<Descriptor> descriptors = DescriptorJson.readIndex(json);
            return Optional.of(new Referrers(
                    Referrers.Origin.valueOf(document.get("origin").stringValue()), descriptors));
        } catch (JacksonException | IllegalArgumentException | InvalidContentException e) {
            return Optional.empty();
        }
    }
}
