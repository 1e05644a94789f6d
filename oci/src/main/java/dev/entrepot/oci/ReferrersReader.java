package dev.entrepot.oci;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Answers what refers to a subject: by the API where there is one, else by the fallback tag (distribution-spec,
 * "Referrers Tag Schema"). The fallback tag is written by clients, which leave things out and make mistakes, so that
 * entries without artifact type or annotations are completed from the manifests themselves. Safe for all threads if its
 * sources are.
 */
public final class ReferrersReader {
    private final ReferrersApi api;
    private final ManifestSource manifests;

    /** Reads from these. */
    public ReferrersReader(ReferrersApi api, ManifestSource manifests) {
        this.api = api;
        this.manifests = manifests;
    }

    /**
     * All referrers of a subject.
     *
     * @return {@link Referrers#NONE} if there is neither the API nor a fallback tag that is an index
     * @throws InvalidContentException if there are more than {@link OciLimits#MAX_GRAPH_NODES}, or what was sent is
     *     malformed
     * @throws RegistryException if the registry gave no answer, or refused; a failure is never an empty list
     */
    public Referrers read(Digest subject) throws IOException {
        Optional<List<Descriptor>> listed = api.referrersApi(subject);
        if (listed.isPresent()) {
            return new Referrers(Referrers.Origin.API, listed.get());
        }
        Optional<Manifest> index = fallbackIndex(subject);
        if (index.isEmpty()) {
            return Referrers.NONE;
        }
        Map<Digest, Descriptor> entries = new LinkedHashMap<>();
        index.get().manifests().forEach(entry -> entries.putIfAbsent(entry.digest(), entry));
        if (entries.size() > OciLimits.MAX_GRAPH_NODES) {
            throw new InvalidContentException("the fallback tag " + subject.referrersTag() + " lists " + entries.size()
                    + " referrers, more than the limit of " + OciLimits.MAX_GRAPH_NODES);
        }
        List<Descriptor> completed = new ArrayList<>(entries.size());
        for (Descriptor entry : entries.values()) {
            complete(entry, subject).ifPresent(completed::add);
        }
        return new Referrers(Referrers.Origin.FALLBACK_TAG, completed);
    }

    // GitLab answers a request for the tag sha256-<hex> with the subject itself.
    private Optional<Manifest> fallbackIndex(Digest subject) throws IOException {
        ManifestBytes tagged;
        try {
            tagged = manifests.fetchManifest(subject.referrersTag());
        } catch (NotFoundException e) {
            return Optional.empty();
        }
        // A tool that converted what it copied may have left a list of Docker's kind.
        boolean index = tagged.mediaType().isIndex();
        return index && !tagged.digest().equals(subject) ? Optional.of(Manifest.parse(tagged)) : Optional.empty();
    }

    /** The entry with its artifact type and annotations, or empty if it does not refer to the subject at all. */
    private Optional<Descriptor> complete(Descriptor entry, Digest subject) throws IOException {
        boolean whole = entry.artifactType().isPresent() && !entry.annotations().isEmpty();
        if (whole || !entry.isManifest()) {
            return Optional.of(entry);
        }
        Manifest manifest;
        try {
            manifest = Manifest.parse(manifests.fetchManifest(entry.digest()));
        } catch (NotFoundException | InvalidContentException e) {
            // It is listed, and it may be there again: leaving it out would be a false answer.
            return Optional.of(entry);
        }
        boolean refers =
                manifest.subject().filter(s -> s.digest().equals(subject)).isPresent();
        return refers
                ? Optional.of(entry.asReferrer(manifest.artifactType(), manifest.annotations()))
                : Optional.empty();
    }
}
