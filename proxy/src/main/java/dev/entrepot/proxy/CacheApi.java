package dev.entrepot.proxy;

import dev.entrepot.proxy.admin.AdminEndpoint;
import dev.entrepot.proxy.admin.AdminReply;
import dev.entrepot.proxy.admin.AdminRequest;
import dev.entrepot.proxy.admin.RequestBody;
import dev.entrepot.proxy.admin.RequestBody.Key;
import dev.entrepot.proxy.admin.RequestBody.Kind;
import dev.entrepot.proxy.replication.BadRequestException;
import java.io.IOException;
import java.util.Optional;
import tools.jackson.databind.node.ObjectNode;

/**
 * The cache over the admin API, all in JSON:
 *
 * <pre>
 * GET  /cache/stats                      how full the disk is, with what, what was evicted
 * GET  /cache/ls[?repository=HOST/NAME][&amp;after=NEXT]  a page of the repositories, or of what is stored of one
 * GET  /cache/pin                        the pins, and what is missing of each
 * POST /cache/pin      {"reference", "platforms": [...], "allPlatforms": false, "referrers": true}
 * POST /cache/unpin    {"reference"}
 * POST /cache/evict    {"reference"}     a reference or a digest
 * POST /cache/scrub                      begins in the background
 * POST /cache/rebuild                    answers when it is done
 * </pre>
 */
final class CacheApi implements AdminEndpoint {
    /** Where it is. */
    static final String ROOT = "/cache/";

    private static final String REPOSITORY = "repository";
    private static final String AFTER = "after";
    private static final RequestBody REFERENCE = RequestBody.of(Key.required("reference", Kind.TEXT));
    private static final RequestBody PIN = RequestBody.of(
            Key.required("reference", Kind.TEXT),
            Key.optional("platforms", Kind.TEXTS),
            Key.optional("allPlatforms", Kind.BOOLEAN),
            Key.optional("referrers", Kind.BOOLEAN));
    private static final RequestBody NOTHING = RequestBody.of();

    private final CacheOperations operations;

    CacheApi(CacheOperations operations) {
        this.operations = operations;
    }

    @Override
    public Optional<AdminReply> answer(AdminRequest request) throws IOException {
        if (!request.path().startsWith(ROOT)) {
            return Optional.empty();
        }
        String operation = request.path().substring(ROOT.length());
        try {
            Optional<ObjectNode> answer = request.method().equals("POST")
                    ? write(operation, request.body())
                    : read(operation, request.query());
            return Optional.of(answer.map(json -> new AdminReply(200, json.toString()))
                    .orElseGet(
                            () -> AdminReply.error(404, "nothing is at " + request.method() + " " + request.path())));
        } catch (BadRequestException | IllegalArgumentException e) {
            return Optional.of(AdminReply.error(400, String.valueOf(e.getMessage())));
        }
    }

    private Optional<ObjectNode> read(String operation, String query) throws IOException, BadRequestException {
        return switch (operation) {
            case "stats" -> Optional.of(operations.stats());
            case "ls" ->
                Optional.of(
                        operations.ls(AdminRequest.parameter(query, REPOSITORY), AdminRequest.parameter(query, AFTER)));
            case "pin" -> Optional.of(operations.pins());
            default -> Optional.empty();
        };
    }

    private Optional<ObjectNode> write(String operation, byte[] body) throws IOException, BadRequestException {
        return switch (operation) {
            case "pin" -> Optional.of(operations.pin(PIN.read(body)));
            case "unpin" -> Optional.of(operations.unpin(REFERENCE.read(body)));
            case "evict" -> Optional.of(operations.evict(REFERENCE.read(body)));
            case "scrub" -> {
                NOTHING.read(body);
                yield Optional.of(operations.scrub());
            }
            case "rebuild" -> {
                NOTHING.read(body);
                yield Optional.of(operations.rebuild());
            }
            default -> Optional.empty();
        };
    }
}
