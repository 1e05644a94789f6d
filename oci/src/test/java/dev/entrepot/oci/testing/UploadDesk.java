package dev.entrepot.oci.testing;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.RepositoryName;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;

/**
 * Takes blobs in (distribution-spec end-4 to end-6, end-11, end-13, end-14). Requests of one session come one after the
 * other.
 */
final class UploadDesk {
    private final Warehouse warehouse;
    private final Supplier<URI> server;
    private final Supplier<Path> newFile;
    private final Map<String, Session> sessions = new ConcurrentHashMap<>();
    private final AtomicInteger serial = new AtomicInteger();

    /** An upload in work; {@code state} is what the client must bring back. */
    private static final class Session {
        private final RepositoryName name;
        private final Spool spool;
        private volatile int state;

        private Session(RepositoryName name, Spool spool) {
            this.name = name;
            this.spool = spool;
        }
    }

    UploadDesk(Warehouse warehouse, Supplier<URI> server, Supplier<Path> newFile) {
        this.warehouse = warehouse;
        this.server = server;
        this.newFile = newFile;
    }

    int sessionsOpen() {
        return sessions.size();
    }

    void forgetSessions() {
        sessions.clear();
    }

    Response begin(Abilities abilities, Request request, RepositoryName name, InputStream body) throws IOException {
        if (!request.method().equals("POST")) {
            return Response.error(405, "UNSUPPORTED");
        }
        Optional<Response> mounted = request.query("mount")
                .map(Digest::parse)
                .flatMap(digest -> mount(abilities, digest, request.query("from"), name));
        if (mounted.isPresent()) {
            return mounted.get();
        }
        String id = "session-" + serial.incrementAndGet();
        Session session = new Session(name, new Spool(newFile));
        if (abilities.has(Feature.SINGLE_POST) && request.query("digest").isPresent()) {
            session.spool.append(body);
            return finish(abilities, session, request);
        }
        sessions.put(id, session);
        return progress(abilities, 202, id, session);
    }

    Response proceed(Abilities abilities, Request request, RepositoryName name, String id, InputStream body)
            throws IOException {
        Session session = sessions.get(id);
        if (session == null || !session.name.equals(name)) {
            return Response.error(404, "BLOB_UPLOAD_UNKNOWN");
        }
        boolean stale = abilities.has(Feature.UPLOAD_STATE)
                && !request.query("_state").equals(Optional.of("s" + session.state));
        if (stale && !request.method().equals("GET")) {
            return Response.error(400, "BLOB_UPLOAD_INVALID");
        }
        return switch (request.method()) {
            case "GET" ->
                abilities.has(Feature.RESUMABLE_UPLOADS)
                        ? progress(abilities, 204, id, session)
                        : Response.error(404, "BLOB_UPLOAD_UNKNOWN");
            case "PATCH" -> patch(abilities, request, id, session, body);
            case "PUT" -> put(abilities, request, id, session, body);
            case "DELETE" -> {
                sessions.remove(id);
                yield Response.of(204);
            }
            default -> Response.error(405, "UNSUPPORTED");
        };
    }

    private Response patch(Abilities abilities, Request request, String id, Session session, InputStream body)
            throws IOException {
        if (outOfOrder(request, session)) {
            return withProgress(abilities, Response.error(416, "BLOB_UPLOAD_INVALID"), id, session);
        }
        take(abilities, id, session, body);
        session.state++;
        return progress(abilities, 202, id, session);
    }

    private Response put(Abilities abilities, Request request, String id, Session session, InputStream body)
            throws IOException {
        if (outOfOrder(request, session)) {
            return withProgress(abilities, Response.error(416, "BLOB_UPLOAD_INVALID"), id, session);
        }
        take(abilities, id, session, body);
        sessions.remove(id);
        return finish(abilities, session, request);
    }

    private void take(Abilities abilities, String id, Session session, InputStream body) throws IOException {
        try {
            session.spool.append(body);
        } catch (IOException e) {
            if (!abilities.has(Feature.RESUMABLE_UPLOADS)) {
                sessions.remove(id);
            }
            throw e;
        }
    }

    private static boolean outOfOrder(Request request, Session session) {
        return request.header("Content-Range")
                .map(range -> range.split("-")[0])
                .filter(first -> !first.equals(Long.toString(session.spool.sizeBytes())))
                .isPresent();
    }

    private Response finish(Abilities abilities, Session session, Request request) {
        Optional<Digest> digest = request.query("digest").map(Digest::parse);
        Content content = session.spool.content();
        if (digest.isEmpty() || !content.digest(digest.get().algorithm()).equals(digest.get())) {
            return Response.error(400, "DIGEST_INVALID");
        }
        warehouse.open(session.name).blobs().put(digest.get(), content);
        return created(abilities, session.name, digest.get());
    }

    private Optional<Response> mount(Abilities abilities, Digest digest, Optional<String> from, RepositoryName to) {
        boolean able = abilities.has(Feature.MOUNT) && (from.isPresent() || abilities.has(Feature.ANONYMOUS_MOUNT));
        if (!able) {
            return Optional.empty();
        }
        Optional<Content> found = warehouse.all().entrySet().stream()
                .filter(entry -> from.isEmpty() || entry.getKey().value().equals(from.get()))
                .map(entry -> Optional.ofNullable(entry.getValue().blobs().get(digest)))
                .flatMap(Optional::stream)
                .findFirst();
        return found.map(content -> {
            warehouse.open(to).blobs().put(digest, content);
            return created(abilities, to, digest);
        });
    }

    private Response created(Abilities abilities, RepositoryName name, Digest digest) {
        return Response.of(201)
                .header("Location", location(abilities, "/v2/" + name + "/blobs/" + digest))
                .header("Docker-Content-Digest", digest.toString());
    }

    private Response progress(Abilities abilities, int status, String id, Session session) {
        return withProgress(abilities, Response.of(status), id, session);
    }

    private Response withProgress(Abilities abilities, Response response, String id, Session session) {
        String path = "/v2/" + session.name + "/blobs/uploads/" + id;
        String state = abilities.has(Feature.UPLOAD_STATE) ? "?_state=s" + session.state : "";
        return response.header("Location", location(abilities, path + state))
                .header("Range", "0-" + Math.max(0, session.spool.sizeBytes() - 1));
    }

    private String location(Abilities abilities, String path) {
        return abilities.has(Feature.ABSOLUTE_LOCATIONS) ? server.get() + path : path;
    }
}
