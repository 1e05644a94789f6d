package dev.entrepot.oci.testing;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.DigestAlgorithm;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import java.io.IOException;
import java.io.InputStream;
import java.util.Optional;

/** Answers requests for manifests and takes them in (distribution-spec end-3, end-7, end-9). */
final class ManifestDesk {
    private final Warehouse warehouse;

    ManifestDesk(Warehouse warehouse) {
        this.warehouse = warehouse;
    }

    Response answer(
            Abilities abilities, Request request, RepositoryName name, ManifestReference reference, InputStream body)
            throws IOException {
        return switch (request.method()) {
            case "GET" -> pull(abilities, request, name, reference);
            case "HEAD" ->
                abilities.has(Feature.HEAD_MANIFESTS)
                        ? pull(abilities, request, name, reference)
                        : Response.error(405, "UNSUPPORTED");
            case "PUT" -> push(abilities, request, name, reference, body.readNBytes(abilities.maxManifestBytes() + 1));
            case "DELETE" -> delete(abilities, name, reference);
            default -> Response.error(405, "UNSUPPORTED");
        };
    }

    private Response pull(Abilities abilities, Request request, RepositoryName name, ManifestReference reference) {
        Optional<Shelf> shelf = warehouse.find(name);
        if (shelf.isEmpty()) {
            return Response.error(404, "NAME_UNKNOWN");
        }
        Optional<Digest> digest = shelf.get().resolve(reference);
        StoredManifest manifest = digest.map(shelf.get().manifests()::get).orElse(null);
        if (manifest == null || abilities.has(Feature.STRICT_ACCEPT) && !accepted(request, manifest)) {
            return Response.error(404, "MANIFEST_UNKNOWN");
        }
        String etag = "\"" + digest.get() + "\"";
        Response response = Response.of(200, manifest.mediaType(), Content.of(manifest.bytes()));
        if (abilities.has(Feature.ETAGS)) {
            if (request.header("If-None-Match").equals(Optional.of(etag))) {
                return Response.of(304).header("ETag", etag);
            }
            response = response.header("ETag", etag);
        }
        return abilities.has(Feature.DIGEST_HEADER)
                ? response.header("Docker-Content-Digest", digest.get().toString())
                : response;
    }

    private static boolean accepted(Request request, StoredManifest manifest) {
        return request.headers().hasToken("Accept", manifest.mediaType())
                || request.headers().hasToken("Accept", "*/*");
    }

    private Response push(
            Abilities abilities, Request request, RepositoryName name, ManifestReference reference, byte[] bytes) {
        if (bytes.length > abilities.maxManifestBytes()) {
            return Response.error(413, "MANIFEST_INVALID");
        }
        StoredManifest manifest =
                StoredManifest.of(request.header("Content-Type").orElse(""), bytes);
        if (!manifest.json().isObject() || manifest.contradictsItself()) {
            return Response.error(400, "MANIFEST_INVALID");
        }
        Digest digest = digestFor(reference, bytes);
        if (reference instanceof Digest named && !named.equals(digest)) {
            return Response.error(400, "DIGEST_INVALID");
        }
        Shelf shelf = warehouse.open(name);
        if (missing(abilities, shelf, manifest)) {
            return Response.error(400, "MANIFEST_BLOB_UNKNOWN");
        }
        if (abilities.has(Feature.IF_MATCH) && !preconditions(request, shelf.resolve(reference))) {
            return Response.error(412, "DENIED");
        }
        shelf.put(digest, manifest, reference instanceof Tag tag ? Optional.of(tag) : Optional.empty());
        Response created = Response.of(201)
                .header("Location", "/v2/" + name + "/manifests/" + digest)
                .header("Docker-Content-Digest", digest.toString());
        if (abilities.has(Feature.TAG_PARAMETER) && reference instanceof Digest) {
            for (String tag : request.queryAll("tag")) {
                shelf.tags().put(new Tag(tag), digest);
                created = created.header("OCI-Tag", tag);
            }
        }
        Response answer = created;
        return manifest.subject()
                .filter(_ -> abilities.has(Feature.SUBJECT_HEADER))
                .map(subject -> answer.header("OCI-Subject", subject))
                .orElse(answer);
    }

    /** The digest of the bytes, by the algorithm of the reference where that can be computed. */
    static Digest digestFor(ManifestReference reference, byte[] bytes) {
        return reference instanceof Digest named && named.algorithm().isVerifiable()
                ? Digest.of(named.algorithm(), bytes)
                : Digest.of(DigestAlgorithm.SHA256, bytes);
    }

    private static boolean missing(Abilities abilities, Shelf shelf, StoredManifest manifest) {
        boolean blobMissing = !abilities.has(Feature.MISSING_BLOBS)
                && !manifest.blobs().stream().allMatch(digest -> shelf.blobs().containsKey(Digest.parse(digest)));
        boolean childMissing = !abilities.has(Feature.SPARSE_INDEXES)
                && !manifest.children().stream()
                        .allMatch(digest -> shelf.manifests().containsKey(Digest.parse(digest)));
        return blobMissing || childMissing;
    }

    private static boolean preconditions(Request request, Optional<Digest> current) {
        Optional<String> etag = current.map(digest -> "\"" + digest + "\"");
        Optional<String> match = request.header("If-Match");
        boolean matches = match.isEmpty() || match.equals(etag);
        boolean absent = request.header("If-None-Match").isEmpty() || current.isEmpty();
        return matches && absent;
    }

    private Response delete(Abilities abilities, RepositoryName name, ManifestReference reference) {
        if (!abilities.has(Feature.DELETE)) {
            return Response.error(405, "UNSUPPORTED");
        }
        Optional<Shelf> shelf = warehouse.find(name);
        if (shelf.flatMap(found -> found.resolve(reference)).isEmpty()) {
            return Response.error(404, "MANIFEST_UNKNOWN");
        }
        switch (reference) {
            case Tag tag -> shelf.get().tags().remove(tag);
            case Digest digest -> {
                shelf.get().remove(digest);
                shelf.get().tags().values().removeIf(digest::equals);
            }
        }
        return Response.of(202);
    }
}
