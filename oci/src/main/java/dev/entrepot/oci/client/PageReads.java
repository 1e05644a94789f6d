package dev.entrepot.oci.client;

import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.InvalidNameException;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.OciLimits;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.OutageException.Reason;
import dev.entrepot.oci.RefusedException;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/** Reads one page of a list of names: tags or repositories. */
final class PageReads {
    /** How many names are asked for at a time. */
    static final int PAGE_SIZE = 1000;

    private static final int MAX_PAGE_BYTES = 8 * 1024 * 1024;

    // What a server of this program says of a list of tags that its own upstream may have cut. Whoever says so is
    // believed: it makes nobody take anything for gone.
    private static final String OF_TAGS = "X-Entrepot-Tags";
    private static final String MAY_BE_CUT = "may-be-cut";

    private final Calls calls;

    PageReads(Calls calls) {
        this.calls = calls;
    }

    /**
     * A page.
     *
     * @param names the names of the page, in the registry's order
     * @param next path and query of the next page
     * @param mayBeCut whether there may be more although there is no next page
     */
    record Page<T>(List<T> names, Optional<String> next, boolean mayBeCut) {}

    // What a document says, with the names as it has them, of which some may not fit their grammar; and whether a
    // server
    // of this program says that there may be more of them, whatever comes after.
    private record Answer<T>(List<T> names, List<String> texts, Optional<String> next, boolean doubted) {}

    /**
     * Asks for a page. Names that do not fit their grammar cannot be asked for and are left out. A first page that is
     * exactly as long as was asked for, and names no next one, may be the beginning of a longer list: some registries
     * cut it and do not say so. What comes after its last name is asked for then, and is part of the page, until
     * nothing new comes, or less than was asked for. Where the registry refuses that, or answers what it answered
     * before, nobody knows whether there is more: then the page may be cut.
     *
     * @param property the property of the document that holds the names: an array, or null on the first page, as some
     *     registries have it where there is nothing to list
     * @param first whether this is the first page, whose request has the number of names in its query
     * @param parser makes a name of a text, or throws {@link InvalidNameException}
     * @throws OutageException if the document has no such list, or says that it is an error
     */
    <T> Page<T> read(ApiRequest request, String property, boolean first, Function<String, T> parser)
            throws IOException {
        Answer<T> answer = ask(request, property, first, false, parser);
        if (!first || !isCut(answer)) {
            return new Page<>(answer.names(), answer.next(), answer.doubted());
        }
        Set<T> names = new LinkedHashSet<>(answer.names());
        Set<String> seen = new HashSet<>(answer.texts());
        boolean doubted = answer.doubted();
        while (isCut(answer) && seen.size() <= OciLimits.MAX_TAGS) {
            Optional<Answer<T>> more = askAfter(answer.texts().getLast(), request, property, parser);
            // A registry that does not know "last" begins anew.
            if (more.isEmpty() || !seen.addAll(more.get().texts())) {
                return new Page<>(List.copyOf(names), Optional.empty(), doubted || more.isEmpty() || isCut(more.get()));
            }
            answer = more.get();
            names.addAll(answer.names());
        }
        return new Page<>(List.copyOf(names), answer.next(), doubted || isCut(answer));
    }

    private static boolean isCut(Answer<?> answer) {
        return answer.next().isEmpty() && answer.texts().size() == PAGE_SIZE;
    }

    // Empty if the registry does not have such a page, which is an answer and no outage.
    private <T> Optional<Answer<T>> askAfter(
            String last, ApiRequest request, String property, Function<String, T> parser) throws IOException {
        URI after = URI.create(request.uri() + "&last=" + URLEncoder.encode(last, StandardCharsets.UTF_8));
        try {
            return Optional.of(ask(request.withUri(after), property, true, true, parser));
        } catch (NotFoundException | RefusedException e) {
            return Optional.empty();
        }
    }

    private <T> Answer<T> ask(
            ApiRequest request, String property, boolean first, boolean after, Function<String, T> parser)
            throws IOException {
        return calls.call(request, response -> {
            if (after && response.status() == 400) {
                // Who has just answered such a question is no web server before the registry, whatever form this has.
                throw new RefusedException(400, "", request.what() + ": no such page");
            }
            if (response.status() != 200) {
                throw calls.errors().failure(response);
            }
            if (response.isHtml()) {
                throw calls.errors().html(response);
            }
            List<String> texts = texts(response, property, first);
            Optional<String> next = Links.next(request, response);
            if (next.filter(page -> request.uri().toString().endsWith(page)).isPresent()) {
                throw new InvalidContentException(
                        request.what() + ": " + request.host() + " sent a page that names itself as the next");
            }
            List<T> names = new ArrayList<>();
            texts.forEach(text -> parse(text, parser).ifPresent(names::add));
            boolean doubted =
                    response.header(OF_TAGS).filter(MAY_BE_CUT::equals).isPresent();
            return new Answer<>(names, texts, next, doubted);
        });
    }

    private static List<String> texts(ApiResponse response, String property, boolean first) throws IOException {
        byte[] body = response.readDocument(MAX_PAGE_BYTES);
        List<String> result = new ArrayList<>();
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
                if (item.isString()) {
                    result.add(item.stringValue());
                }
            }
            return result;
        } catch (JacksonException e) {
            throw notAList(response, "");
        }
    }

    private static <T> Optional<T> parse(String text, Function<String, T> parser) {
        try {
            return Optional.of(parser.apply(text));
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
