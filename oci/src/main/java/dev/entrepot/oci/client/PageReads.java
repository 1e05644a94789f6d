package dev.entrepot.oci.client;

import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.InvalidNameException;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.OutageException.Reason;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/** Reads one page of a list of names: tags or repositories. */
final class PageReads {
    /** How many names are asked for at a time. */
    static final int PAGE_SIZE = 1000;

    private static final int MAX_PAGE_BYTES = 8 * 1024 * 1024;

    private final Calls calls;

    PageReads(Calls calls) {
        this.calls = calls;
    }

    /**
     * A page.
     *
     * @param names the names of the page, in the registry's order
     * @param next path and query of the next page
     */
    record Page<T>(List<T> names, Optional<String> next) {}

    /**
     * Asks for a page. Names that do not fit their grammar cannot be asked for and are left out.
     *
     * @param property the property of the document that holds the names: an array, or null on the first page, as some
     *     registries have it where there is nothing to list
     * @param first whether this is the first page
     * @param parser makes a name of a text, or throws {@link InvalidNameException}
     * @throws OutageException if the document has no such list, or says that it is an error
     */
    <T> Page<T> read(ApiRequest request, String property, boolean first, Function<String, T> parser)
            throws IOException {
        return calls.call(request, response -> {
            if (response.status() != 200) {
                throw calls.errors().failure(response);
            }
            if (response.isHtml()) {
                throw calls.errors().html(response);
            }
            List<T> names = names(response, property, first, parser);
            Optional<String> next = Links.next(response);
            if (next.filter(page -> request.uri().toString().endsWith(page)).isPresent()) {
                throw new InvalidContentException(
                        request.what() + ": " + request.host() + " sent a page that names itself as the next");
            }
            return new Page<>(names, next);
        });
    }

    private static <T> List<T> names(ApiResponse response, String property, boolean first, Function<String, T> parser)
            throws IOException {
        byte[] body = response.readDocument(MAX_PAGE_BYTES);
        List<T> result = new ArrayList<>();
        try {
            JsonNode root = OciJson.mapper().readTree(body);
            if (!root.isObject()) {
                throw notAList(response, "");
            }
            if (root.hasNonNull("errors")) {
                throw notAList(response, ": it has \"errors\"");
            }
            JsonNode list = root.path(property);
            // Of nothing at all, or of the rest of something, nobody knows what it leaves out.
            if (!list.isArray() && !(first && list.isNull())) {
                throw notAList(response, ": its \"" + property + "\" is no array");
            }
            for (JsonNode item : list) {
                parse(item, parser).ifPresent(result::add);
            }
            return result;
        } catch (JacksonException e) {
            throw notAList(response, "");
        }
    }

    private static <T> Optional<T> parse(JsonNode item, Function<String, T> parser) {
        try {
            return item.isString() ? Optional.of(parser.apply(item.stringValue())) : Optional.empty();
        } catch (InvalidNameException e) {
            return Optional.empty();
        }
    }

    private static OutageException notAList(ApiResponse response, String why) {
        return new OutageException(
                Reason.SERVER_ERROR,
                response.request().what() + ": " + response.request().host()
                        + " answered with something that is no list" + why);
    }
}
