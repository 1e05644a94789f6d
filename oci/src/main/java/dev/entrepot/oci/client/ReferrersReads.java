package dev.entrepot.oci.client;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.Manifest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.OciLimits;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.ReferrersApi;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * Asks a registry's referrers API, all pages (distribution-spec, "Listing Referrers"). Only an answer of 200 that is an
 * index by its type and by its body comes from the API: registries without it answer 404, 400, 405, 406, a redirect to
 * something else or a page for people. A redirect to the same list at another host is followed.
 */
final class ReferrersReads implements ReferrersApi {
    private static final Set<String> ABOUT_THE_SUBJECT = Set.of("MANIFEST_UNKNOWN", "NAME_UNKNOWN");
    private static final int MAX_PAGES = 10_000;
    private static final int MAX_OTHER_BYTES = 64 * 1024;
    // How many subjects are answered oddly before none is asked about any more.
    private static final int ODD = 3;

    private final Calls calls;
    private final RepositoryRequests requests;
    private final CapabilityMemory memory;

    ReferrersReads(Calls calls, RepositoryRequests requests, CapabilityMemory memory) {
        this.calls = calls;
        this.requests = requests;
        this.memory = memory;
    }

    /** The same by other requests. */
    ReferrersReads by(Calls otherCalls, RepositoryRequests others) {
        return new ReferrersReads(otherCalls, others, memory);
    }

    private record Page(List<Descriptor> descriptors, Optional<String> next) {}

    @Override
    public Optional<List<Descriptor>> referrersApi(Digest subject) throws IOException {
        if (memory.isKnownAbsent(requests.repository(), Capability.REFERRERS)) {
            return Optional.empty();
        }
        Map<Digest, Descriptor> found = new LinkedHashMap<>();
        Set<String> pages = new HashSet<>();
        Optional<String> next = Optional.empty();
        for (int count = 0; count < MAX_PAGES; count++) {
            Optional<Page> page = page(subject, next, count == 0, subject);
            if (page.isEmpty()) {
                return Optional.empty();
            }
            page.get().descriptors().forEach(d -> found.putIfAbsent(d.digest(), d));
            next = page.get().next();
            if (next.isPresent() && !pages.add(next.get())) {
                throw new InvalidContentException(
                        what(subject) + ": a page names one as the next that has been read already");
            }
            if (next.isEmpty()) {
                return Optional.of(List.copyOf(found.values()));
            }
            if (found.size() > OciLimits.MAX_GRAPH_NODES) {
                break;
            }
        }
        throw new InvalidContentException(what(subject) + ": more than " + OciLimits.MAX_GRAPH_NODES + " referrers or "
                + MAX_PAGES + " pages of them");
    }

    /** Sees whether there is such an API, by the first page alone, which is asked for again while that is in doubt. */
    void look(Digest subject) throws IOException {
        boolean doubted = true;
        for (int asked = 0; asked < ODD && doubted; asked++) {
            doubted = page(subject, Optional.empty(), true, List.of(subject, asked))
                            .isEmpty()
                    && memory.isDoubted(requests.repository(), Capability.REFERRERS);
        }
    }

    private String what(Digest subject) {
        return "listing referrers of " + requests.repository() + "@" + subject;
    }

    /** A page, or empty if the first answer shows that there is no API, each about something else. */
    private Optional<Page> page(Digest subject, Optional<String> cursor, boolean first, Object about)
            throws IOException {
        ApiRequest request = requests.reading(Operation.REFERRERS, what(subject), "GET", "referrers/" + subject)
                .withHeader("Accept", MediaType.OCI_INDEX.value())
                .withRedirects(ApiRequest.Redirects.SAME_QUESTION);
        URI url = cursor.isPresent() ? requests.atOrigin(cursor.get()) : request.uri();
        return calls.call(request.withUri(url), response -> {
            Optional<Page> page = isNoApi(request, response) ? Optional.empty() : parse(request, response);
            if (page.isEmpty() && !first) {
                throw new InvalidContentException(
                        what(subject) + ": " + response.request().host() + " has no page after one that names it");
            }
            boolean elsewhere = response.isElsewhere(request);
            if (page.isEmpty() && memory.isKnownThere(requests.repository(), Capability.REFERRERS)) {
                // It may be who refuses us elsewhere, or a page of somebody before the registry; not the API that is
                // lacking.
                if (elsewhere || !mayBeAboutTheSubject(response)) {
                    throw new OutageException(
                            OutageException.Reason.SERVER_ERROR,
                            what(subject) + ": " + response.request().host() + " answers with status "
                                    + response.status() + " and no list, where it has listed referrers before");
                }
            } else if (page.isEmpty() && !elsewhere && !isAboutTheSubject(response)) {
                // 404 is what the specification has for it. All else is also what somebody before the registry says
                // now and then, and to believe one such answer would hide what all other subjects have.
                memory.sawNone(requests.repository(), Capability.REFERRERS, about, response.status() == 404 ? 1 : ODD);
            } else if (page.isPresent()) {
                memory.saw(requests.repository(), Capability.REFERRERS, true);
            }
            return page;
        });
    }

    private boolean isNoApi(ApiRequest request, ApiResponse response) throws IOException {
        int status = response.status();
        if ((status == 401 || status == 403) && response.isElsewhere(request)) {
            // Our credentials are not for there.
            return true;
        }
        if (status == 200) {
            boolean other = !response.contentType().equals(Optional.of(MediaType.OCI_INDEX));
            if (other) {
                // Of an answer that broke nobody knows what it was to say.
                requireAPage(response, response.body().readNBytes(MAX_OTHER_BYTES));
            }
            return other;
        }
        boolean redirected = status >= 301 && status <= 308;
        if (status == 404 || status == 400 || status == 405 || status == 406 || redirected) {
            if (StatusErrors.isOfAnother(response)) {
                response.doubt();
            }
            return true;
        }
        throw calls.errors().failure(response);
    }

    // Not remembered: Quay, which has the API, answers 400 for subjects that it does not know, and others 404 for these
    // and for the repository's name. Who asks next, about another subject, would find nothing.
    private static boolean isAboutTheSubject(ApiResponse response) {
        return response.status() == 400
                || response.status() == 404 && ABOUT_THE_SUBJECT.contains(StatusErrors.errorCode(response));
    }

    // Of a registry that has the API any 404 in the registry's own words is.
    private static boolean mayBeAboutTheSubject(ApiResponse response) {
        return response.status() == 400
                || response.status() == 404 && !StatusErrors.errorCode(response).isEmpty();
    }

    private Optional<Page> parse(ApiRequest request, ApiResponse response) throws IOException {
        byte[] body = response.readDocument(OciLimits.MAX_MANIFEST_BYTES);
        if (!isIndex(response, body)) {
            return Optional.empty();
        }
        Manifest index = Manifest.parse(ManifestBytes.of(MediaType.OCI_INDEX, body));
        return Optional.of(new Page(index.manifests(), Links.next(request, response)));
    }

    // A page for people, or something else that a registry without the API has at this address. Nothing at all is none
    // of it, and an object in JSON without a list is what somebody says who did not answer the question.
    private static void requireAPage(ApiResponse response, byte[] body) throws OutageException {
        String text = new String(body, StandardCharsets.UTF_8).strip();
        if (text.isEmpty()) {
            throw broken(response);
        }
        if (text.startsWith("{")) {
            isIndex(response, body);
        }
    }

    // What begins as a list does and cannot be read is one that broke on its way, not one that is not there.
    private static boolean isIndex(ApiResponse response, byte[] body) throws OutageException {
        try {
            JsonNode root = OciJson.mapper().readTree(body);
            if (root.isMissingNode() || root.has("errors") || root.isObject() && !root.has("manifests")) {
                throw broken(response);
            }
            return root.isObject();
        } catch (JacksonException e) {
            if (new String(body, StandardCharsets.UTF_8).stripLeading().startsWith("{")) {
                throw broken(response);
            }
            return false;
        }
    }

    private static OutageException broken(ApiResponse response) {
        return new OutageException(
                OutageException.Reason.SERVER_ERROR,
                response.sender() + " answered with status " + response.status() + " and a list that is broken");
    }
}
