package dev.entrepot.proxy.http;

import dev.entrepot.cache.Answer;
import dev.entrepot.cache.PullThrough;
import dev.entrepot.oci.Tag;
import dev.entrepot.proxy.http.RegistryRequest.TagsRequest;
import io.helidon.http.Header;
import io.helidon.http.Status;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Lists of tags, paged (distribution-spec, "Listing Tags"). A repository may have a million: a page is found in the
 * list that all share, and costs no more than what it shows.
 */
final class TagsHandler {
    /** Most tags in one answer, whatever the client asks for. */
    static final int MAX_PAGE = 100_000;

    private TagsHandler() {}

    static Reply handle(TagsRequest request, ServedRepository repository, ClientCall call) throws IOException {
        Answer<List<Tag>> answer = repository.tags();
        PageRequest page = request.page();
        List<Tag> all = answer.content();
        int limit = Math.min(page.limit().orElse(MAX_PAGE), MAX_PAGE);
        int first = firstAfter(page.last(), all);
        int end = Math.min(all.size(), first + limit);
        List<Tag> tags = all.subList(first, end);
        List<Header> headers = new ArrayList<>(5);
        headers.add(ReplyHeaders.JSON);
        headers.add(ReplyHeaders.NO_CACHE);
        ReplyHeaders.addFreshness(headers, answer);
        if (PullThrough.mayBeCut(all)) {
            headers.add(ReplyHeaders.TAGS_MAY_BE_CUT);
        }
        if (end < all.size() && limit > 0) {
            String path = request.name().urlPath() + "/tags/list";
            headers.add(PageLinks.next(
                    path, request.name().scope(), limit, tags.getLast().value()));
        }
        long bytes = 0;
        for (Tag tag : tags) {
            bytes += tag.value().length() + 2;
        }
        byte[] frame = JsonDocuments.tags(request.name().path());
        ReplyBody body = new ListWriter<>(frame, tags, TagsHandler::json, bytes).body(call.head());
        return new Reply(Status.OK_200, headers, body, Optional.of(answer.verdict()));
    }

    // Letters, digits and few signs, none of which JSON escapes.
    private static byte[] json(Tag tag) {
        return ("\"" + tag.value() + "\"").getBytes(StandardCharsets.US_ASCII);
    }

    // The client need not name a tag, nor one that is there.
    private static int firstAfter(String last, List<Tag> all) {
        int low = 0;
        int high = all.size();
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (all.get(middle).value().compareTo(last) <= 0) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }
}
