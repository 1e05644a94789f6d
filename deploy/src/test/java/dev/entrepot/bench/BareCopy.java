package dev.entrepot.bench;

import java.io.IOException;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.net.URI;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.hc.client5.http.classic.methods.HttpUriRequestBase;
import org.apache.hc.client5.http.impl.classic.CloseableHttpClient;
import org.apache.hc.client5.http.impl.classic.HttpClients;
import org.apache.hc.client5.http.impl.io.PoolingHttpClientConnectionManagerBuilder;
import org.apache.hc.core5.http.ContentType;
import org.apache.hc.core5.http.Header;
import org.apache.hc.core5.http.io.entity.ByteArrayEntity;
import org.apache.hc.core5.http.io.entity.EntityUtils;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The yardstick for a replication: the requests that a first run of a rule makes for a {@link FleetContent} at
 * registries without the referrers API, by the same libraries, and nothing else. It keeps nothing: no cache, no
 * journal, no plan, no limits; what goes wrong ends it. All content is in memory, each is read once and hashed once.
 *
 * <p>arguments: source and targets, as {@code http://host:port}; prints how many requests went to each side
 */
final class BareCopy {
    private static final String MANIFEST = "application/vnd.oci.image.manifest.v1+json";
    private static final String INDEX = "application/vnd.oci.image.index.v1+json";
    private static final String BYTES = "application/octet-stream";
    private static final int AT_ONCE = 32;

    /** The property that has it end without what the JVM does at its end. */
    static final String ENDS_AT_ONCE = "bare.ends-at-once";

    private static final JsonMapper JSON = JsonMapper.builder().build();

    private record Answer(int status, String location, byte[] body) {}

    private record Content(byte[] bytes) {
        JsonNode json(String member) {
            return JSON.readTree(bytes).get(member);
        }

        String digest() {
            try {
                byte[] hash = MessageDigest.getInstance("SHA-256").digest(bytes);
                return "sha256:" + HexFormat.of().formatHex(hash);
            } catch (NoSuchAlgorithmException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    private final CloseableHttpClient client = HttpClients.custom()
            .setConnectionManager(PoolingHttpClientConnectionManagerBuilder.create()
                    .setMaxConnPerRoute(2 * AT_ONCE)
                    .setMaxConnTotal(8 * AT_ONCE)
                    .build())
            .disableContentCompression()
            .disableCookieManagement()
            .disableAuthCaching()
            .disableRedirectHandling()
            .disableAutomaticRetries()
            .build();
    private final Semaphore places = new Semaphore(AT_ONCE);
    private final ConcurrentHashMap<String, FutureTask<Content>> read = new ConcurrentHashMap<>();
    // The repository of a target that each blob was uploaded to; and, by their paths, those that have it.
    private final ConcurrentHashMap<String, FutureTask<String>> uploaded = new ConcurrentHashMap<>();
    private final ConcurrentHashMap<String, FutureTask<String>> placed = new ConcurrentHashMap<>();
    private final AtomicInteger sourceRequests = new AtomicInteger();
    private final AtomicInteger targetRequests = new AtomicInteger();
    private final String source;

    private BareCopy(String source) {
        this.source = source;
    }

    /** The entry point. */
    static void main(String[] arguments) throws Throwable {
        FutureTask<MethodHandle> linked = end();
        Optional<FutureTask<MethodHandle>> end =
                Boolean.getBoolean(ENDS_AT_ONCE) ? Optional.of(linked) : Optional.empty();
        BareCopy copy = new BareCopy(arguments[0]);
        List<Callable<Void>> work = new ArrayList<>();
        for (JsonNode repository : copy.fromSource("/v2/_catalog", "").json("repositories")) {
            for (String target : List.of(arguments).subList(1, arguments.length)) {
                work.add(() -> copy.new Target(target, repository.asString()).copyAll());
            }
        }
        all(work);
        System.out.println(copy.sourceRequests + " requests to the source, " + copy.targetRequests + " to targets");
        System.out.flush();
        if (end.isPresent()) {
            end.get().get().invokeExact(0);
        }
        System.exit(0);
    }

    // As entrepot's commands end; not where the JVM writes a startup cache at its end.
    @SuppressWarnings("restricted")
    private static FutureTask<MethodHandle> end() {
        FutureTask<MethodHandle> exit = new FutureTask<>(() -> {
            Linker linker = Linker.nativeLinker();
            return linker.downcallHandle(
                    linker.defaultLookup().find("_exit").orElseThrow(),
                    FunctionDescriptor.ofVoid(ValueLayout.JAVA_INT));
        });
        Thread.ofPlatform().daemon().start(exit);
        return exit;
    }

    private record Node(String digest, Content manifest, Queue<Node> referrers) {}

    private Content fromSource(String path, String accept) throws Exception {
        return once(read, path, () -> fetched(path, accept));
    }

    /** By its digest, whichever repository it is asked of first. */
    private Content verified(String folder, String digest, String accept) throws Exception {
        return once(read, digest, () -> {
            Content content = fetched(folder + digest, accept);
            if (!content.digest().equals(digest)) {
                throw new IOException(folder + digest + " is something else");
            }
            return content;
        });
    }

    private Content fetched(String path, String accept) throws Exception {
        sourceRequests.incrementAndGet();
        Answer answer = send("GET", source + path, Optional.empty(), "", accept);
        return new Content(wanted(200, answer, path).body());
    }

    private Answer send(String method, String url, Optional<byte[]> body, String type, String accept) throws Exception {
        HttpUriRequestBase request = new HttpUriRequestBase(method, URI.create(url));
        if (!accept.isEmpty()) {
            request.setHeader("Accept", accept);
        }
        body.ifPresent(bytes -> request.setEntity(new ByteArrayEntity(bytes, ContentType.parse(type))));
        places.acquire();
        try {
            return client.execute(request, response -> {
                Header location = response.getFirstHeader("Location");
                return new Answer(
                        response.getCode(),
                        location == null ? "" : location.getValue(),
                        response.getEntity() == null ? new byte[0] : EntityUtils.toByteArray(response.getEntity()));
            });
        } finally {
            places.release();
        }
    }

    private static Answer wanted(int status, Answer answer, String what) throws IOException {
        if (answer.status() != status) {
            throw new IOException(what + ": " + answer.status() + " instead of " + status);
        }
        return answer;
    }

    private static <T> T once(ConcurrentHashMap<String, FutureTask<T>> done, String key, Callable<T> work)
            throws Exception {
        FutureTask<T> task = new FutureTask<>(work);
        FutureTask<T> first = done.putIfAbsent(key, task);
        if (first == null) {
            task.run();
            first = task;
        }
        return first.get();
    }

    private static Void all(List<Callable<Void>> work) throws Exception {
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (Future<Void> done : threads.invokeAll(work)) {
                done.get();
            }
        }
        return null;
    }

    /** One repository at one target. */
    private final class Target {
        private final String target;
        private final String repository;
        private final String path;

        Target(String target, String repository) {
            this.target = target;
            this.repository = repository;
            this.path = "/v2/" + repository;
        }

        Void copyAll() throws Exception {
            ask("GET", "/tags/list", "");
            List<Callable<Void>> work = new ArrayList<>();
            for (JsonNode tag : fromSource(path + "/tags/list", "").json("tags")) {
                work.add(() -> {
                    Content image = fromSource(path + "/manifests/" + tag.asString(), MANIFEST);
                    publish(node(image.digest(), image), () -> null);
                    return put("/manifests/" + tag.asString(), image.bytes(), MANIFEST);
                });
            }
            return all(work);
        }

        // The content of the whole graph side by side.
        private Node node(String digest, Content manifest) throws Exception {
            Node node = new Node(digest, manifest, new ConcurrentLinkedQueue<>());
            JsonNode image = JSON.readTree(manifest.bytes());
            List<Callable<Void>> work = new ArrayList<>();
            work.add(() -> blob(image.get("config").get("digest").asString()));
            for (JsonNode layer : image.get("layers")) {
                work.add(() -> blob(layer.get("digest").asString()));
            }
            work.add(() -> {
                List<Callable<Void>> children = new ArrayList<>();
                for (JsonNode referrer : referrers(digest).json("manifests")) {
                    String child = referrer.get("digest").asString();
                    children.add(() -> {
                        node.referrers().add(node(child, verified(path + "/manifests/", child, MANIFEST)));
                        return null;
                    });
                }
                return all(children);
            });
            all(work);
            return node;
        }

        private Content referrers(String digest) throws Exception {
            return fromSource(path + "/referrers/" + digest, INDEX);
        }

        // Each after its subject, whose fallback tag is written when it is there.
        private Void publish(Node node, Callable<Void> written) throws Exception {
            String digest = node.digest();
            put("/manifests/" + digest, node.manifest().bytes(), MANIFEST);
            wanted(200, ask("HEAD", "/manifests/" + digest, MANIFEST), digest);
            List<Callable<Void>> work = new ArrayList<>();
            work.add(written);
            for (Node referrer : node.referrers()) {
                work.add(() -> publish(referrer, () -> fallback(digest)));
            }
            return all(work);
        }

        private Void fallback(String subject) throws Exception {
            String tag = "/manifests/" + subject.replace(':', '-');
            wanted(404, ask("GET", tag, INDEX), tag);
            put(tag, referrers(subject).bytes(), INDEX);
            wanted(200, ask("GET", tag, INDEX), tag);
            return null;
        }

        private Void blob(String digest) throws Exception {
            once(placed, target + path + digest, () -> bring(digest));
            return null;
        }

        private String bring(String digest) throws Exception {
            String there = once(uploaded, target + digest, () -> upload(digest));
            if (!there.equals(repository)) {
                String mount = "/blobs/uploads/?mount=" + digest + "&from=" + there;
                wanted(201, say("POST", target + path + mount, Optional.of(new byte[0]), BYTES, ""), mount);
            }
            wanted(200, ask("HEAD", "/blobs/" + digest, ""), digest);
            return repository;
        }

        private String upload(String digest) throws Exception {
            byte[] bytes = verified(path + "/blobs/", digest, "").bytes();
            String session = wanted(
                            202,
                            say("POST", target + path + "/blobs/uploads/", Optional.of(new byte[0]), BYTES, ""),
                            digest)
                    .location();
            String commit = (session.startsWith("/") ? target : "") + session + (session.contains("?") ? "&" : "?")
                    + "digest=" + digest;
            wanted(201, say("PUT", commit, Optional.of(bytes), BYTES, ""), digest);
            return repository;
        }

        private Void put(String what, byte[] bytes, String type) throws Exception {
            wanted(201, say("PUT", target + path + what, Optional.of(bytes), type, ""), what);
            return null;
        }

        private Answer ask(String method, String what, String accept) throws Exception {
            return say(method, target + path + what, Optional.empty(), "", accept);
        }

        private Answer say(String method, String url, Optional<byte[]> body, String type, String accept)
                throws Exception {
            targetRequests.incrementAndGet();
            return send(method, url, body, type, accept);
        }
    }
}
