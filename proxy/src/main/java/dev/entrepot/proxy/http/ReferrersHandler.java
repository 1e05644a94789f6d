package dev.entrepot.proxy.http;

import dev.entrepot.cache.Answer;
import dev.entrepot.cache.Verdict;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.OciLimits;
import dev.entrepot.oci.Referrers;
import dev.entrepot.proxy.http.RegistryRequest.ReferrersRequest;
import io.helidon.http.Header;
import io.helidon.http.HeaderNames;
import io.helidon.http.HeaderValues;
import io.helidon.http.Status;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What refers to a manifest (distribution-spec, "Listing Referrers"). Several clients read the first page only, so
 * everything is in one page while it is below 4 MiB. Of a subject whose own digest cannot be verified here the upstream
 * is asked as of any other: what it lists can be. A repository whose upstream knows nothing of referrers is answered
 * with MANIFEST_UNKNOWN, never with an empty list and never with NAME_UNKNOWN, so that clients try the fallback tag
 * themselves.
 */
final class ReferrersHandler {
    private static final Header CONTENT_TYPE =
            HeaderValues.createCached(HeaderNames.CONTENT_TYPE, MediaType.OCI_INDEX.value());
    private static final Header FILTERED = HeaderValues.createCached("OCI-Filters-Applied", "artifactType");
    /** Largest page in bytes: what clients accept, less the frame around the descriptors. */
    private static final int MAX_PAGE_BYTES = OciLimits.MAX_MANIFEST_BYTES - 4096;

    private ReferrersHandler() {}

    static Reply handle(ReferrersRequest request, ServedRepository repository, ClientCall call) throws IOException {
        Answer<Referrers> answer = referrers(request, repository);
        List<Header> freshness = new ArrayList<>(2);
        ReplyHeaders.addFreshness(freshness, answer);
        if (answer.content().origin() == Referrers.Origin.NONE) {
            return ErrorReplies.error(
                    Status.NOT_FOUND_404,
                    "MANIFEST_UNKNOWN",
                    "the upstream has no referrers API; try the tag "
                            + request.subject().referrersTag(),
                    Optional.of(answer.verdict()),
                    freshness.toArray(Header[]::new));
        }
        Page page = page(request, answer.content().descriptors());
        return list(request, page, freshness, call, answer.verdict());
    }

    private static Reply list(
            ReferrersRequest request, Page page, List<Header> freshness, ClientCall call, Verdict verdict) {
        List<Header> headers = new ArrayList<>(6);
        headers.add(CONTENT_TYPE);
        headers.add(ReplyHeaders.NO_CACHE);
        headers.addAll(freshness);
        if (!request.artifactTypes().isEmpty()) {
            headers.add(FILTERED);
        }
        page.next.ifPresent(last -> headers.add(PageLinks.nextReferrers(
                request.name().urlPath() + "/referrers/" + request.subject(),
                request.name().scope(),
                request.artifactTypes(),
                last.toString())));
        ReplyBody body = new ListWriter<>(
                        JsonDocuments.referrers(), page.descriptors, JsonDocuments::descriptor, page.bytes)
                .body(call.head());
        return new Reply(Status.OK_200, headers, body, Optional.of(verdict));
    }

    private static Answer<Referrers> referrers(ReferrersRequest request, ServedRepository repository)
            throws IOException {
        try {
            return repository.referrers(request.subject());
        } catch (NotFoundException e) {
            throw new NotFoundException(NotFoundException.Kind.MANIFEST, String.valueOf(e.getMessage()));
        }
    }

    private record Page(List<Descriptor> descriptors, long bytes, Optional<Digest> next) {}

    private static Page page(ReferrersRequest request, List<Descriptor> all) {
        List<Descriptor> wanted = all.stream()
                .filter(descriptor -> request.artifactTypes().isEmpty()
                        || descriptor
                                .artifactType()
                                .filter(request.artifactTypes()::contains)
                                .isPresent())
                .toList();
        int start = start(request, wanted);
        long bytes = 0;
        for (int i = start; i < wanted.size(); i++) {
            long more = JsonDocuments.descriptor(wanted.get(i)).length;
            if (bytes + more + i - start + 1 > MAX_PAGE_BYTES && i > start) {
                return new Page(
                        wanted.subList(start, i),
                        bytes,
                        Optional.of(wanted.get(i - 1).digest()));
            }
            bytes += more;
        }
        return new Page(wanted.subList(start, wanted.size()), bytes, Optional.empty());
    }

    /** The entry after the one that the page before ended with; the first if that has gone meanwhile. */
    private static int start(ReferrersRequest request, List<Descriptor> wanted) {
        for (int i = 0; request.after().isPresent() && i < wanted.size(); i++) {
            if (wanted.get(i).digest().equals(request.after().get())) {
                return i + 1;
            }
        }
        return 0;
    }
}
