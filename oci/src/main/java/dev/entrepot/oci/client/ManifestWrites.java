package dev.entrepot.oci.client;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.DigestAlgorithm;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.InvalidNameException;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.PushedManifest;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.TagCondition;
import java.io.IOException;
import java.util.Optional;
import java.util.Set;

/** Pushes and deletes manifests (distribution-spec, "Pushing Manifests" and "Deleting Manifests"). */
final class ManifestWrites {
    private static final int MAX_ANSWER_BYTES = 64 * 1024;
    // Quay has answered 202. Whoever pushes asks afterwards whether it is there.
    private static final Set<Integer> TAKEN = Set.of(200, 202, 204);
    // The condition is not met; or whoever answers knows no conditions of writes, 304 being meant for reads.
    private static final Set<Integer> DECLINED = Set.of(304, 400, 412, 501);

    private final Calls calls;
    private final RepositoryRequests requests;

    ManifestWrites(Calls calls, RepositoryRequests requests) {
        this.calls = calls;
        this.requests = requests;
    }

    /** As {@link dev.entrepot.oci.RepositoryTarget#pushManifest}. */
    PushedManifest push(ManifestBytes manifest, ManifestReference reference) throws IOException {
        if (reference instanceof Digest digest && !digest.equals(manifest.digest())) {
            throw new IllegalArgumentException("manifest " + manifest.digest() + " pushed as " + digest);
        }
        return calls.call(pushing(manifest, reference), response -> pushed(manifest, response));
    }

    /** As {@link dev.entrepot.oci.ConditionalTarget#pushManifest}. */
    Optional<PushedManifest> push(ManifestBytes manifest, Tag tag, TagCondition condition) throws IOException {
        ApiRequest plain = pushing(manifest, tag);
        ApiRequest request = switch (condition) {
            case TagCondition.Unchanged(String etag) -> plain.withHeader("If-Match", etag);
            case TagCondition.Absent() -> plain.withHeader("If-None-Match", "*");
        };
        return calls.call(
                request,
                response -> DECLINED.contains(response.status())
                        ? Optional.empty()
                        : Optional.of(pushed(manifest, response)));
    }

    private ApiRequest pushing(ManifestBytes manifest, ManifestReference reference) {
        return requests.writing(
                        Operation.PUSH_MANIFEST,
                        "pushing manifest " + requests.name(reference),
                        "PUT",
                        requests.url("manifests/" + path(manifest, reference)))
                .withBody(new RequestBody.Bytes(manifest.array(), manifest.mediaType()));
    }

    // Under a tag alone a registry works out the usual digest. By any other the manifest is pushed as that, and the tag
    // asked for besides (distribution-spec end-7b): who knows nothing of that leaves the tag as it is.
    private static String path(ManifestBytes manifest, ManifestReference reference) {
        return switch (reference) {
            case Tag tag
            when !manifest.digest().algorithm().equals(DigestAlgorithm.SHA256) -> manifest.digest() + "?tag=" + tag;
            case Tag tag -> tag.toString();
            case Digest digest -> digest.toString();
        };
    }

    private PushedManifest pushed(ManifestBytes manifest, ApiResponse response) throws IOException {
        int status = response.status();
        if (status != 201 && !TAKEN.contains(status)) {
            throw calls.errors().refusal(response);
        }
        if (status != 201) {
            requireWhole(response, manifest);
        }
        requireDigest(response, manifest);
        return new PushedManifest(subject(response), status == 201 && isDigestOf(manifest, response));
    }

    // 201 is what the specification has. Another success is also what pages for people say, and what is left of an
    // answer that broke. An answer without a body is no page, whatever it is said to be; that it is the registry's
    // shows the digest, which nobody else works out.
    private void requireWhole(ApiResponse response, ManifestBytes manifest) throws IOException {
        boolean page = response.isHtml();
        if (page && !isDigestOf(manifest, response)) {
            throw calls.errors().html(response);
        }
        byte[] body = response.body().readNBytes(MAX_ANSWER_BYTES);
        if (page && body.length > 0) {
            throw calls.errors().html(response);
        }
    }

    private static boolean isDigestOf(ManifestBytes manifest, ApiResponse response) {
        return ManifestReads.verifiableDigest(response)
                .filter(stated -> isOf(manifest, stated))
                .isPresent();
    }

    private static boolean isOf(ManifestBytes manifest, Digest stated) {
        return stated.equals(Digest.of(stated.algorithm(), manifest.array()));
    }

    private static void requireDigest(ApiResponse response, ManifestBytes manifest) throws InvalidContentException {
        Optional<Digest> stated = ManifestReads.verifiableDigest(response);
        if (stated.isPresent() && !isOf(manifest, stated.get())) {
            throw new InvalidContentException(response.request().what() + ": "
                    + response.request().host() + " committed the digest " + stated.get() + ", expected "
                    + manifest.digest());
        }
    }

    private static Optional<Digest> subject(ApiResponse response) {
        try {
            return response.header("OCI-Subject").map(Digest::parse);
        } catch (InvalidNameException e) {
            return Optional.empty();
        }
    }

    /** As {@link dev.entrepot.oci.RepositoryTarget#deleteManifest}. */
    boolean delete(ManifestReference reference) throws IOException {
        ApiRequest request = requests.reading(
                        Operation.DELETE_MANIFEST,
                        "deleting manifest " + requests.name(reference),
                        "DELETE",
                        "manifests/" + reference)
                .withAccess(
                        requests.repository(),
                        Scope.delete(requests.repository().name()));
        return calls.call(request, response -> switch (response.status()) {
            case 200, 202, 204 -> true;
            case 404 -> false;
            default -> throw calls.errors().failure(response);
        });
    }
}
