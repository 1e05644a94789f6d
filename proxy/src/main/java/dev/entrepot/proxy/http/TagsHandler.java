package dev.entrepot.proxy.http;

import dev.entrepot.cache.Answer;
import dev.entrepot.oci.Tag;
import dev.entrepot.proxy.http.RegistryRequest.TagsRequest;
import io.helidon.http.Header;
import io.helidon.http.Status;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Lists of tags, paged (distribution-spec, "Listing Tags"). */
final class TagsHandler {
    /** Most tags in one answer, whatever the client asks for. */
    static final int MAX_PAGE = 100_000;

    private TagsHandler() {}

    static Reply handle(TagsRequest request, ServedRepository repository) throws IOException {
        Answer<List<Tag>> answer = repository.tags();
        PageRequest page = request.page();
        int limit = Math.min(page.limit().orElse(MAX_PAGE), MAX_PAGE);
        List<String> tags = new ArrayList<>();
        boolean more = false;
        for (Tag tag : answer.content()) {
            if (tag.value().compareTo(page.last()) <= 0) {
                continue;
            }
            if (tags.size() == limit) {
                more = true;
                break;
            }
            tags.add(tag.value());
        }
        List<Header> headers = new ArrayList<>(4);
        headers.add(ReplyHeaders.JSON);
        headers.add(ReplyHeaders.NO_CACHE);
        ReplyHeaders.addFreshness(headers, answer);
        if (more && limit > 0) {
            String path = request.name().urlPath() + "/tags/list";
            headers.add(PageLinks.next(path, request.name().scope(), limit, tags.getLast()));
        }
        byte[] body = JsonDocuments.tags(request.name().path(), tags);
        return Reply.of(Status.OK_200, headers, body, Optional.of(answer.verdict()));
    }
}
