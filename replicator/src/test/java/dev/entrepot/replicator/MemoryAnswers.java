package dev.entrepot.replicator;

import com.github.tomakehurst.wiremock.client.ResponseDefinitionBuilder;
import com.github.tomakehurst.wiremock.extension.Parameters;
import com.github.tomakehurst.wiremock.extension.ResponseDefinitionTransformerV2;
import com.github.tomakehurst.wiremock.http.Request;
import com.github.tomakehurst.wiremock.http.ResponseDefinition;
import com.github.tomakehurst.wiremock.stubbing.ServeEvent;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.DescriptorJson;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.RefusedException;
import dev.entrepot.oci.RegistryException;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tools.jackson.databind.node.ObjectNode;

/**
 * Has WireMock answer as a registry that has what a {@link MemoryRegistry} has: whole manifests and blobs, uploads in
 * one request or in parts, mounts, deletes, the tag list and, where the memory has it, the referrers API. Knows no
 * ranges of blobs and no pages.
 */
final class MemoryAnswers implements ResponseDefinitionTransformerV2 {
    static final String NAME = "memory-answers";
    /** Parameter of an answer: says of each manifest that is taken 200, with this content type, and not 201. */
    static final String SAYS_200 = "says-200";

    private static final Pattern PATH =
            Pattern.compile("/v2/(.+?)/(manifests|blobs/uploads|blobs|tags|referrers)/([^?]*)(\\?.*)?");

    private volatile MemoryRegistry memory;
    private final Map<String, ByteArrayOutputStream> sessions = new ConcurrentHashMap<>();
    private final AtomicInteger lastSession = new AtomicInteger();

    MemoryAnswers(MemoryRegistry memory) {
        this.memory = memory;
    }

    @Override
    public String getName() {
        return NAME;
    }

    @Override
    public boolean applyGlobally() {
        return false;
    }

    /** Answers from now on of something else, and knows no upload any more. */
    void of(MemoryRegistry other) {
        memory = other;
        sessions.clear();
    }

    /** The uploads that were begun and neither committed nor cancelled. */
    int uploadsOpen() {
        return sessions.size();
    }

    @Override
    public ResponseDefinition transform(ServeEvent event) {
        Request request = event.getRequest();
        Matcher path = PATH.matcher(request.getUrl());
        if (!path.matches()) {
            return answer(404).build();
        }
        try {
            ResponseDefinition answer = answerOf(request, path).build();
            Parameters odd = event.getTransformerParameters();
            return odd.containsKey(SAYS_200) && answer.getStatus() == 201
                    ? ResponseDefinitionBuilder.like(answer)
                            .withStatus(200)
                            .withHeader("Content-Type", odd.getString(SAYS_200))
                            .build()
                    : answer;
        } catch (NotFoundException e) {
            return OddRegistry.error(404, e.code().isEmpty() ? "UNKNOWN" : e.code())
                    .build();
        } catch (RefusedException e) {
            return OddRegistry.error(e.status(), e.code()).build();
        } catch (RegistryException e) {
            return answer(500).build();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private ResponseDefinitionBuilder answerOf(Request request, Matcher path) throws IOException {
        MemoryRepository repository = memory.repository(path.group(1));
        String method = request.getMethod().getName();
        return switch (path.group(2)) {
            case "manifests" -> manifests(method, repository, path.group(3), request);
            case "blobs" -> blobs(method, repository, Digest.parse(path.group(3)));
            case "blobs/uploads" -> uploads(method, repository, path.group(3), request);
            case "tags" -> tags(repository);
            default -> referrers(repository, Digest.parse(path.group(3)));
        };
    }

    private static ResponseDefinitionBuilder answer(int status) {
        return new ResponseDefinitionBuilder().withStatus(status);
    }

    private static ResponseDefinitionBuilder body(byte[] bytes, MediaType type, Digest digest) {
        return answer(200)
                .withBody(bytes)
                .withHeader("Content-Length", Integer.toString(bytes.length))
                .withHeader("Content-Type", type.value())
                .withHeader("Docker-Content-Digest", digest.toString());
    }

    private ResponseDefinitionBuilder manifests(
            String method, MemoryRepository repository, String text, Request request) throws IOException {
        ManifestReference reference = text.contains(":") ? Digest.parse(text) : new Tag(text);
        return switch (method) {
            case "PUT" -> {
                if (memory.knowsConditions && !isMet(request, repository, reference)) {
                    yield answer(412);
                }
                ManifestBytes manifest =
                        ManifestBytes.of(new MediaType(request.getHeader("Content-Type")), request.getBody());
                Optional<Digest> subject =
                        repository.pushManifest(manifest, reference).subject();
                ResponseDefinitionBuilder created = answer(201)
                        .withHeader("Docker-Content-Digest", manifest.digest().toString());
                subject.ifPresent(tracked -> created.withHeader("OCI-Subject", tracked.toString()));
                yield created;
            }
            case "DELETE" -> answer(repository.deleteManifest(reference) ? 202 : 404);
            default -> {
                ManifestBytes manifest = repository.fetchManifest(reference);
                ResponseDefinitionBuilder answer = body(manifest.array(), manifest.mediaType(), manifest.digest());
                yield memory.knowsConditions ? answer.withHeader("ETag", etag(manifest)) : answer;
            }
        };
    }

    private static String etag(ManifestBytes manifest) {
        return "\"" + manifest.digest() + "\"";
    }

    // What the gate does when it sees this comes between the reading and the writing of whoever asks.
    private boolean isMet(Request request, MemoryRepository repository, ManifestReference reference)
            throws IOException {
        memory.request("CHECK manifest " + reference);
        Optional<String> etag = repository.find(reference).map(MemoryAnswers::etag);
        return (request.getHeader("If-Match") == null || etag.equals(Optional.of(request.getHeader("If-Match"))))
                && (request.getHeader("If-None-Match") == null || etag.isEmpty());
    }

    private static ResponseDefinitionBuilder blobs(String method, MemoryRepository repository, Digest digest)
            throws IOException {
        if (repository.statBlob(digest).isEmpty() || method.equals("DELETE")) {
            return OddRegistry.error(404, "BLOB_UNKNOWN");
        }
        return body(Optional.ofNullable(repository.blobs.get(digest)).orElseThrow(), MediaType.OCTET_STREAM, digest);
    }

    private ResponseDefinitionBuilder uploads(
            String method, MemoryRepository repository, String session, Request request) throws IOException {
        if (method.equals("POST")) {
            return begin(repository, request);
        }
        ByteArrayOutputStream written = sessions.get(session);
        if (written == null) {
            return OddRegistry.error(404, "BLOB_UPLOAD_UNKNOWN");
        }
        switch (method) {
            case "DELETE" -> sessions.remove(session);
            case "PATCH", "PUT" -> written.write(request.getBody());
            default -> {}
        }
        if (method.equals("PUT")) {
            sessions.remove(session);
            Digest digest = Digest.parse(request.queryParameter("digest").firstValue());
            if (!Digest.of(digest.algorithm(), written.toByteArray()).equals(digest)) {
                return OddRegistry.error(400, "DIGEST_INVALID");
            }
            repository.blobs.put(digest, written.toByteArray());
            return answer(201).withHeader("Docker-Content-Digest", digest.toString());
        }
        return answer(method.equals("PATCH") ? 202 : 204)
                .withHeader("Location", location(repository, session))
                .withHeader("Range", "0-" + Math.max(0, written.size() - 1));
    }

    private ResponseDefinitionBuilder begin(MemoryRepository repository, Request request) throws IOException {
        if (request.queryParameter("mount").isPresent()) {
            Digest digest = Digest.parse(request.queryParameter("mount").firstValue());
            RepositoryName from =
                    new RepositoryName(request.queryParameter("from").firstValue());
            if (repository.mountBlob(digest, from)) {
                return answer(201).withHeader("Docker-Content-Digest", digest.toString());
            }
        }
        String session = Integer.toString(lastSession.incrementAndGet());
        sessions.put(session, new ByteArrayOutputStream());
        return answer(202).withHeader("Location", location(repository, session));
    }

    private static String location(MemoryRepository repository, String session) {
        return "/v2/" + repository.repository().name() + "/blobs/uploads/" + session;
    }

    private static ResponseDefinitionBuilder tags(MemoryRepository repository) throws IOException {
        ObjectNode list = OciJson.mapper().createObjectNode();
        list.put("name", repository.repository().name().value()).putArray("tags");
        repository
                .listTags(Optional.empty())
                .tags()
                .forEach(tag -> list.withArray("tags").add(tag.value()));
        return answer(200).withHeader("Content-Type", "application/json").withBody(list.toString());
    }

    private ResponseDefinitionBuilder referrers(MemoryRepository repository, Digest subject) throws IOException {
        MemoryRegistry.Abilities abilities = memory.abilities();
        if (!abilities.referrersApi() && !abilities.pretendsReferrers()) {
            return answer(404).withBody("404 page not found");
        }
        ObjectNode index = OciJson.mapper().createObjectNode();
        index.put("schemaVersion", 2).put("mediaType", MediaType.OCI_INDEX.value());
        index.putArray("manifests");
        for (Descriptor referrer : repository.referrers(subject).descriptors()) {
            index.withArray("manifests").add(DescriptorJson.write(referrer));
        }
        return answer(200)
                .withHeader("Content-Type", MediaType.OCI_INDEX.value())
                .withBody(index.toString());
    }
}
