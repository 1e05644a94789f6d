package dev.entrepot.oci.testing;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.RepositoryName;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Answers requests for blobs (distribution-spec end-2 and end-10), with single ranges (RFC 9110 section 14). */
final class BlobDesk {
    private static final Pattern RANGE = Pattern.compile("bytes=(\\d*)-(\\d*)");

    private final Warehouse warehouse;

    BlobDesk(Warehouse warehouse) {
        this.warehouse = warehouse;
    }

    Response answer(Abilities abilities, Request request, RepositoryName name, Digest digest) {
        if (request.method().equals("DELETE")) {
            return delete(abilities, name, digest);
        }
        if (request.method().equals("HEAD") && !abilities.has(Feature.HEAD_BLOBS)) {
            return Response.error(405, "UNSUPPORTED");
        }
        return warehouse
                .find(name)
                .map(shelf -> Optional.ofNullable(shelf.blobs().get(digest))
                        .map(blob -> serve(abilities, request, digest, blob))
                        .orElseGet(() -> Response.error(404, "BLOB_UNKNOWN")))
                .orElseGet(() -> Response.error(404, "NAME_UNKNOWN"));
    }

    /** The blob as any server would send it that knows nothing of registries' rights. */
    static Response serve(Abilities abilities, Request request, Digest digest, Content blob) {
        boolean ranges = abilities.has(Feature.RANGES);
        Response whole = Response.of(200, "application/octet-stream", blob);
        if (abilities.has(Feature.DIGEST_HEADER)) {
            whole = whole.header("Docker-Content-Digest", digest.toString());
        }
        if (abilities.has(Feature.ETAGS)) {
            whole = whole.header("ETag", "\"" + digest + "\"");
        }
        whole = whole.header("Accept-Ranges", ranges ? "bytes" : "none");
        Optional<String> range = request.header("Range").filter(_ -> ranges);
        return range.isPresent() ? ranged(whole, range.get()) : whole;
    }

    private static Response ranged(Response whole, String range) {
        long size = whole.body().sizeBytes();
        Matcher matcher = RANGE.matcher(range);
        if (!matcher.matches() || matcher.group(1).isEmpty() && matcher.group(2).isEmpty()) {
            return whole;
        }
        boolean suffix = matcher.group(1).isEmpty();
        long end =
                matcher.group(2).isEmpty() || suffix ? size - 1 : Math.min(Long.parseLong(matcher.group(2)), size - 1);
        long start = suffix ? Math.max(0, size - Long.parseLong(matcher.group(2))) : Long.parseLong(matcher.group(1));
        if (start > end) {
            return Response.error(416, "RANGE_INVALID").header("Content-Range", "bytes */" + size);
        }
        return new Response(206, whole.headers(), whole.body().slice(start, end - start + 1), whole.obstacles())
                .header("Content-Range", "bytes " + start + "-" + end + "/" + size);
    }

    private Response delete(Abilities abilities, RepositoryName name, Digest digest) {
        if (!abilities.has(Feature.DELETE)) {
            return Response.error(405, "UNSUPPORTED");
        }
        boolean gone =
                warehouse.find(name).map(shelf -> shelf.blobs().remove(digest)).isPresent();
        return gone ? Response.of(202) : Response.error(404, "BLOB_UNKNOWN");
    }
}
