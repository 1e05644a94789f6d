package dev.entrepot.oci.client;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.InvalidNameException;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.ManifestReference;
import java.io.IOException;
import java.util.Optional;

/** Pushes and deletes manifests (distribution-spec, "Pushing Manifests" and "Deleting Manifests"). */
final class ManifestWrites {
    private static final int MAX_ANSWER_BYTES = 64 * 1024;

    private final Calls calls;
    private final RepositoryRequests requests;

    ManifestWrites(Calls calls, RepositoryRequests requests) {
        this.calls = calls;
        this.requests = requests;
    }

    /** As {@link dev.entrepot.oci.RepositoryTarget#pushManifest}. */
    Optional<Digest> push(ManifestBytes manifest, ManifestReference reference) throws IOException {
        if (reference instanceof Digest digest && !digest.equals(manifest.digest())) {
            throw new IllegalArgumentException("manifest " + manifest.digest() + " pushed as " + digest);
        }
        ApiRequest request = requests.writing(
                        Operation.PUSH_MANIFEST,
                        "pushing manifest " + requests.name(reference),
                        "PUT",
                        requests.url("manifests/" + reference))
                .withBody(new RequestBody.Bytes(manifest.array(), manifest.mediaType()));
        return calls.call(request, response -> {
            int status = response.status();
            if (status != 201 && status != 200) {
                throw calls.errors().refusal(response);
            }
            if (status == 200) {
                requireWhole(response);
            }
            requireDigest(response, manifest);
            return subject(response);
        });
    }

    // 201 is what the specification has. 200 is also what pages for people say, and what is left of an answer that
    // broke.
    private void requireWhole(ApiResponse response) throws IOException {
        if (response.isHtml()) {
            throw calls.errors().html(response);
        }
        response.body().readNBytes(MAX_ANSWER_BYTES);
    }

    private static void requireDigest(ApiResponse response, ManifestBytes manifest) throws InvalidContentException {
        Optional<Digest> stated =
                ManifestReads.statedDigest(response).filter(d -> d.algorithm().isVerifiable());
        if (stated.isPresent() && !stated.get().equals(Digest.of(stated.get().algorithm(), manifest.array()))) {
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
