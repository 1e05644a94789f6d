package dev.entrepot.oci.testing;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidNameException;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Predicate;

/**
 * An OCI registry in this process, over real sockets (distribution-spec 1.1). What it can do is set by
 * {@link Abilities}, who may use it by {@link Access}, what goes wrong by {@link Faults}; {@link Calls} records what it
 * was asked. Content that is put in from Java is not checked, so that it can also hold what no registry should. Safe
 * for all threads. It is long because it is the one door that tests go through; what it does is done by others.
 *
 * <p>Beside the registry API it serves {@code /token}, if it wants bearer tokens, and {@code /cdn/<digest>}: any blob
 * of any repository, without rights, for redirects.
 */
public final class TestRegistry implements AutoCloseable {
    private static final String CDN = "/cdn/";

    private final Warehouse warehouse = new Warehouse();
    private final Quota quota = new Quota();
    private final ConcurrentLinkedQueue<Path> files = new ConcurrentLinkedQueue<>();
    private final BlobDesk blobs = new BlobDesk(warehouse);
    private final ManifestDesk manifests = new ManifestDesk(warehouse);
    private final ListDesk lists = new ListDesk(warehouse);
    private final UploadDesk uploads = new UploadDesk(warehouse, this::uri, this::newFile);
    private final Map<String, MiniHttpServer.Handler> neighbours = new ConcurrentHashMap<>();
    private volatile Abilities abilities = Abilities.DEFAULT;
    private volatile Access access = Access.ANYONE;
    private final MiniHttpServer server;

    private TestRegistry() {
        server = MiniHttpServer.started(this::answer);
    }

    /** A started registry that is empty, able and open to everyone. */
    public static TestRegistry started() {
        return new TestRegistry();
    }

    /** A started registry with other abilities. */
    public static TestRegistry started(Abilities abilities) {
        return started().able(abilities);
    }

    /** Changes what it can do, from the next request on. */
    public TestRegistry able(Abilities other) {
        abilities = other;
        return this;
    }

    /** What it can do now. */
    public Abilities abilities() {
        return abilities;
    }

    /** Changes who may use it, from the next request on. */
    public TestRegistry open(Access other) {
        access = other;
        return this;
    }

    /**
     * Has somebody else answer what is asked under a path, before access is looked at: a token service of another kind,
     * a login page.
     */
    public TestRegistry beside(String path, MiniHttpServer.Handler handler) {
        neighbours.put(path, handler);
        return this;
    }

    /** Allows so many manifest GETs from now on; to those that follow the answer is 429. */
    public TestRegistry quota(int pulls) {
        return quota(pulls, 0);
    }

    /** As above, but so many of them have been made already. */
    public TestRegistry quota(int pulls, int made) {
        quota.allow(pulls, made);
        return this;
    }

    /** Starts again after {@link #stop()}, on the same port and with the same content. */
    public void start() {
        server.start();
    }

    /** Stops: connections are cut, new ones are refused. The content stays. */
    public void stop() {
        server.stop();
    }

    @Override
    public void close() {
        server.close();
        files.forEach(file -> {
            try {
                Files.deleteIfExists(file);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
    }

    /** The server, for its port, connections, latency and bandwidth. */
    public MiniHttpServer server() {
        return server;
    }

    /** The address, without a path. */
    public URI uri() {
        return server.uri();
    }

    /** The registry's name in references. */
    public RegistryHost host() {
        return new RegistryHost("127.0.0.1:" + server.port());
    }

    /** One of its repositories. */
    public Repository repository(String name) {
        return new Repository(host(), new RepositoryName(name));
    }

    /** What it was asked. */
    public Calls calls() {
        return server.calls();
    }

    /** The requests that match, in order of arrival. */
    public List<RecordedCall> requests(Predicate<Request> predicate) {
        return calls().matching(predicate);
    }

    /** What goes wrong. */
    public Faults faults() {
        return server.faults();
    }

    /** Puts a blob in. */
    public Digest pushBlob(String repository, byte[] bytes) {
        return pushBlob(repository, Digest.sha256(bytes), Content.of(bytes));
    }

    /** Puts a blob in under a digest, which need not be its own. */
    public Digest pushBlob(String repository, Digest digest, Content content) {
        shelf(repository).blobs().put(digest, content);
        return digest;
    }

    /** Puts a manifest in, without a tag. */
    public Digest pushManifest(String repository, String mediaType, byte[] bytes) {
        Digest digest = Digest.sha256(bytes);
        shelf(repository).put(digest, StoredManifest.of(mediaType, bytes), Optional.empty());
        return digest;
    }

    /** Puts a manifest in under a tag. The type is sent as it is, so it may have parameters or be wrong. */
    public Digest pushManifest(String repository, String mediaType, byte[] bytes, String tag) {
        Digest digest = pushManifest(repository, mediaType, bytes);
        tag(repository, tag, digest);
        return digest;
    }

    /** Puts a manifest in under a digest, which need not be its own. */
    public void pushManifest(String repository, Digest digest, MediaType mediaType, byte[] bytes) {
        shelf(repository).put(digest, StoredManifest.of(mediaType.value(), bytes), Optional.empty());
    }

    /** Puts a bundle in: its blobs and manifests. */
    public Bundle push(String repository, Bundle bundle) {
        bundle.blobs().forEach((digest, content) -> pushBlob(repository, digest, content));
        for (ManifestBytes manifest : bundle.manifests()) {
            pushManifest(repository, manifest.digest(), manifest.mediaType(), manifest.array());
        }
        return bundle;
    }

    /** Puts a bundle in, and its root under a tag. */
    public Bundle push(String repository, Bundle bundle, String tag) {
        push(repository, bundle);
        tag(repository, tag, bundle.digest());
        return bundle;
    }

    /** Sets a tag, whether or not there is such a manifest. */
    public void tag(String repository, String tag, Digest digest) {
        shelf(repository).tags().put(new Tag(tag), digest);
    }

    /** Removes a tag. */
    public void untag(String repository, String tag) {
        shelf(repository).tags().remove(new Tag(tag));
    }

    /** Removes a blob. */
    public void removeBlob(String repository, Digest digest) {
        shelf(repository).blobs().remove(digest);
    }

    /** Removes a manifest, and leaves the tags on it dangling. */
    public void removeManifest(String repository, Digest digest) {
        shelf(repository).remove(digest);
    }

    /** A blob, if it is there. */
    public Optional<Content> blob(String repository, Digest digest) {
        return warehouse
                .find(new RepositoryName(repository))
                .flatMap(shelf -> Optional.ofNullable(shelf.blobs().get(digest)));
    }

    /** The bytes of a manifest, if it is there. */
    public Optional<byte[]> manifest(String repository, ManifestReference reference) {
        return warehouse
                .find(new RepositoryName(repository))
                .flatMap(shelf -> shelf.resolve(reference)
                        .map(digest -> shelf.manifests().get(digest).bytes()));
    }

    /** What a tag names, if it is there and names something. */
    public Optional<Digest> resolve(String repository, String tag) {
        return warehouse.find(new RepositoryName(repository)).flatMap(shelf -> shelf.resolve(new Tag(tag)));
    }

    /** The digests of all blobs of a repository, at this moment. */
    public Set<Digest> blobs(String repository) {
        return Set.copyOf(shelf(repository).blobs().keySet());
    }

    /** The digests of all manifests of a repository, at this moment. */
    public Set<Digest> manifests(String repository) {
        return Set.copyOf(shelf(repository).manifests().keySet());
    }

    /** The tags of a repository, at this moment, in their order. */
    public List<Tag> tags(String repository) {
        return List.copyOf(shelf(repository).tags().keySet());
    }

    /** How many upload sessions were begun and neither finished, cancelled nor lost. */
    public int uploadsOpen() {
        return uploads.sessionsOpen();
    }

    /** Forgets all upload sessions, as a registry does that is restarted. */
    public void forgetUploads() {
        uploads.forgetSessions();
    }

    private Shelf shelf(String repository) {
        return warehouse.open(new RepositoryName(repository));
    }

    private Path newFile() {
        try {
            Path file = Files.createTempFile("test-registry", ".blob");
            files.add(file);
            return file;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Response answer(Request request, InputStream body) throws IOException, InterruptedException {
        try {
            String path = request.path();
            for (Map.Entry<String, MiniHttpServer.Handler> neighbour : neighbours.entrySet()) {
                if (path.startsWith(neighbour.getKey())) {
                    return neighbour.getValue().handle(request, body);
                }
            }
            if (path.equals(TokenService.PATH) && access instanceof Access.Bearer bearer) {
                return bearer.tokens().handle(request, body);
            }
            if (path.startsWith(CDN)) {
                return fromCdn(request, Digest.parse(path.substring(CDN.length())));
            }
            Optional<Route> route = Route.parse(path);
            if (route.isEmpty()) {
                return Response.error(404, "UNSUPPORTED");
            }
            Optional<Response> refusal =
                    Doorman.refusal(access, uri(), request, route.get().needs(request.method()));
            return refusal.isPresent() ? refusal.get() : answer(route.get(), request, body);
        } catch (InvalidNameException e) {
            return Response.error(400, e.what().contains("digest") ? "DIGEST_INVALID" : "NAME_INVALID");
        }
    }

    private Response answer(Route route, Request request, InputStream body) throws IOException {
        Abilities now = abilities;
        return switch (route) {
            case Route.Ping _ -> Response.json(200, "{}").header("Docker-Distribution-API-Version", "registry/2.0");
            case Route.Catalog _ -> lists.catalog(now, request);
            case Route.TagsRoute tags -> lists.tags(now, request, tags.name());
            case Route.ReferrersRoute of -> lists.referrers(now, request, of.name(), of.subject());
            case Route.BlobRoute blob -> blobs.answer(now, request, blob.name(), blob.digest());
            case Route.UploadRoute upload ->
                upload.id().isEmpty()
                        ? uploads.begin(now, request, upload.name(), body)
                        : uploads.proceed(now, request, upload.name(), upload.id(), body);
            case Route.ManifestRoute manifest ->
                quota.exceeded(request)
                        ? quota.refusal()
                        : quota.show(manifests.answer(now, request, manifest.name(), manifest.reference(), body));
        };
    }

    private Response fromCdn(Request request, Digest digest) {
        return warehouse.all().values().stream()
                .flatMap(shelf -> Optional.ofNullable(shelf.blobs().get(digest)).stream())
                .findFirst()
                .map(blob -> BlobDesk.serve(abilities, request, digest, blob))
                .orElseGet(() -> Response.of(404));
    }
}
