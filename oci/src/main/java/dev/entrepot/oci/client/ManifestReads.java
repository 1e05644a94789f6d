package dev.entrepot.oci.client;

import dev.entrepot.oci.BlockedException;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.DigestAlgorithm;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.InvalidNameException;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.OciLimits;
import dev.entrepot.oci.RegistryException;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.TagCondition;
import dev.entrepot.oci.TagState;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Collectors;

/** Reads manifests from a registry (distribution-spec, "Pulling manifests"). */
final class ManifestReads {
    // All of them, always: old registries convert or hide what is not asked for.
    private static final String ACCEPT = List.of(
                    MediaType.OCI_MANIFEST,
                    MediaType.OCI_INDEX,
                    MediaType.DOCKER_MANIFEST,
                    MediaType.DOCKER_MANIFEST_LIST,
                    MediaType.OCI_ARTIFACT_MANIFEST)
            .stream()
            .map(MediaType::value)
            .collect(Collectors.joining(", "));

    private final Calls calls;
    private final RepositoryRequests requests;
    private final CapabilityMemory memory;
    private final Validators validators;

    ManifestReads(Calls calls, RepositoryRequests requests, CapabilityMemory memory, Validators validators) {
        this.calls = calls;
        this.requests = requests;
        this.memory = memory;
        this.validators = validators;
    }

    /** The same by other requests. */
    ManifestReads by(Calls otherCalls, RepositoryRequests others) {
        return new ManifestReads(otherCalls, others, memory, validators);
    }

    private sealed interface HeadAnswer {
        record Known(Descriptor descriptor) implements HeadAnswer {}

        record Absent() implements HeadAnswer {}

        /** The head lacks what a descriptor needs. */
        record Unclear() implements HeadAnswer {}
    }

    /** As {@link dev.entrepot.oci.ManifestSource#resolve}: by HEAD, and by GET where the HEAD does not tell all. */
    Optional<Descriptor> resolve(ManifestReference reference) throws IOException {
        if (memory.isKnownAbsent(requests.repository(), Capability.HEAD_MANIFESTS)) {
            return resolveByGet(reference);
        }
        ApiRequest request = request(Operation.RESOLVE, "HEAD", reference);
        HeadAnswer answer = calls.call(request, response -> head(request, response, reference));
        return switch (answer) {
            case HeadAnswer.Known(Descriptor descriptor) -> Optional.of(descriptor);
            case HeadAnswer.Absent() -> Optional.empty();
            case HeadAnswer.Unclear() -> resolveByGet(reference);
        };
    }

    private Optional<Descriptor> resolveByGet(ManifestReference reference) throws IOException {
        try {
            return Optional.of(
                    switch (reference) {
                        case Digest digest -> fetch(digest).descriptor();
                        case Tag tag -> check(tag);
                    });
        } catch (NotFoundException e) {
            return Optional.empty();
        }
    }

    // The answer 304 says that the tag names what it named when the validator was sent.
    private Descriptor check(Tag tag) throws IOException {
        Optional<Validators.Validated> known = memory.isKnownAbsent(requests.repository(), Capability.CONDITIONAL)
                ? Optional.empty()
                : validators.of(requests.repository(), tag);
        ApiRequest plain = request(Operation.MANIFEST, "GET", tag);
        ApiRequest request =
                known.map(k -> plain.withHeader("If-None-Match", k.etag())).orElse(plain);
        return calls.call(request, response -> {
            if (response.status() == 304 && known.isPresent()) {
                memory.saw(requests.repository(), Capability.CONDITIONAL, true);
                return known.get().descriptor();
            }
            Descriptor descriptor = body(response, tag).descriptor();
            if (known.filter(k -> k.descriptor().digest().equals(descriptor.digest()))
                    .isPresent()) {
                memory.saw(requests.repository(), Capability.CONDITIONAL, false);
            }
            validators.remember(requests.repository(), tag, response, descriptor);
            return descriptor;
        });
    }

    /** As {@link dev.entrepot.oci.ManifestSource#fetchManifest}. */
    ManifestBytes fetch(ManifestReference reference) throws IOException {
        return calls.call(request(Operation.MANIFEST, "GET", reference), r -> body(r, reference));
    }

    /** As {@link dev.entrepot.oci.ConditionalTarget#readTag}. */
    TagState state(Tag tag, Digest neighbour) throws IOException {
        try {
            return calls.call(
                    request(Operation.MANIFEST, "GET", tag),
                    response -> new TagState(
                            Optional.of(body(response, tag)),
                            Validators.strong(response).map(TagCondition.Unchanged::new)));
        } catch (NotFoundException e) {
            return new TagState(
                    Optional.empty(),
                    offersValidators(neighbour) ? Optional.of(new TagCondition.Absent()) : Optional.empty());
        }
    }

    private boolean offersValidators(Digest neighbour) throws IOException {
        if (validators.offers(requests.repository()).isEmpty()) {
            try {
                resolve(neighbour);
            } catch (RegistryException e) {
                // What is asked for besides must not fail what can be done without.
                return false;
            }
        }
        return validators.offers(requests.repository()).orElse(false);
    }

    private ApiRequest request(Operation operation, String method, ManifestReference reference) {
        return request(requests, operation, method, reference);
    }

    /** A request for a manifest of any type. */
    static ApiRequest request(
            RepositoryRequests requests, Operation operation, String method, ManifestReference reference) {
        String verb = operation == Operation.RESOLVE ? "resolving" : "fetching";
        return requests.reading(
                        operation, verb + " manifest " + requests.name(reference), method, "manifests/" + reference)
                .withHeader("Accept", ACCEPT);
    }

    private HeadAnswer head(ApiRequest request, ApiResponse response, ManifestReference reference) throws IOException {
        switch (response.status()) {
            case 200 -> {}
            case 404 -> {
                return new HeadAnswer.Absent();
            }
            case 405, 501 -> {
                memory.saw(requests.repository(), Capability.HEAD_MANIFESTS, false);
                return new HeadAnswer.Unclear();
            }
            default -> {
                // Where a registry redirects to is often good for GET alone.
                if (response.status() >= 400 && response.isElsewhere(request)) {
                    return new HeadAnswer.Unclear();
                }
                // Whether it is the registry that says so, or a web server before it, is in the body.
                if (response.status() == 400 && !response.isHtml()) {
                    response.doubt();
                    return new HeadAnswer.Unclear();
                }
                throw calls.errors().failure(response);
            }
        }
        if (response.isHtml()) {
            throw calls.errors().html(response);
        }
        if (response.isEncoded()) {
            // Length and even the digest may be of the encoded bytes. A GET shows the others.
            return new HeadAnswer.Unclear();
        }
        Optional<MediaType> type = response.contentType().filter(MediaType::isManifest);
        OptionalLong length = response.contentLength();
        Optional<Digest> digest = digest(response, reference);
        // No manifest has no bytes: a length of 0 comes from servers that lose it on HEAD.
        if (type.isEmpty() || digest.isEmpty() || length.isEmpty() || length.getAsLong() == 0) {
            return new HeadAnswer.Unclear();
        }
        refuseSchema1(response, type.get());
        validators.saw(requests.repository(), response);
        memory.saw(requests.repository(), Capability.HEAD_MANIFESTS, true);
        return new HeadAnswer.Known(Descriptor.of(type.get(), digest.get(), length.getAsLong()));
    }

    private static Optional<Digest> digest(ApiResponse response, ManifestReference reference)
            throws InvalidContentException {
        Optional<Digest> stated = statedDigest(response);
        return switch (reference) {
            case Tag tag -> stated;
            case Digest asked -> {
                if (stated.isPresent()
                        && stated.get().algorithm().equals(asked.algorithm())
                        && !stated.get().equals(asked)) {
                    throw mismatch(response, stated.get(), asked);
                }
                yield Optional.of(asked);
            }
        };
    }

    private ManifestBytes body(ApiResponse response, ManifestReference reference) throws IOException {
        if (response.status() != 200) {
            throw calls.errors().failure(response);
        }
        if (response.isHtml()) {
            throw calls.errors().html(response);
        }
        byte[] bytes = bytes(response, reference);
        MediaType type = ManifestTypes.of(response.contentType(), bytes)
                .orElseThrow(() -> new InvalidContentException(response.request()
                                .what() + ": " + response.request().host() + " sent something that is not a manifest"));
        refuseSchema1(response, type);
        validators.saw(requests.repository(), response);
        return switch (reference) {
            case Digest asked -> verified(response, type, asked, bytes);
            case Tag tag -> ofTag(response, type, bytes);
        };
    }

    // With an encoding that is not undone here, what has the digest that it is to have is the manifest all the same.
    private static byte[] bytes(ApiResponse response, ManifestReference reference) throws IOException {
        Optional<Digest> expected = switch (reference) {
            case Digest asked -> Optional.of(asked).filter(ManifestReads::isVerifiable);
            case Tag tag -> verifiableDigest(response);
        };
        if (response.strangeEncoding().isEmpty() || expected.isEmpty()) {
            return response.readDocument(OciLimits.MAX_MANIFEST_BYTES);
        }
        byte[] bytes = response.readDocumentToProve(OciLimits.MAX_MANIFEST_BYTES);
        if (!Digest.of(expected.get().algorithm(), bytes).equals(expected.get())) {
            throw response.encodingRefused();
        }
        return bytes;
    }

    private static ManifestBytes ofTag(ApiResponse response, MediaType type, byte[] bytes)
            throws InvalidContentException {
        Optional<Digest> stated = verifiableDigest(response);
        return stated.isPresent()
                ? verified(response, type, stated.get(), bytes)
                : ManifestBytes.of(type, DigestAlgorithm.SHA256, bytes);
    }

    private static ManifestBytes verified(ApiResponse response, MediaType type, Digest expected, byte[] bytes)
            throws InvalidContentException {
        if (!isVerifiable(expected)) {
            return ManifestBytes.verified(type, expected, bytes);
        }
        ManifestBytes manifest = ManifestBytes.of(type, expected.algorithm(), bytes);
        if (!manifest.digest().equals(expected)) {
            throw mismatch(response, manifest.digest(), expected);
        }
        return manifest;
    }

    private static InvalidContentException mismatch(ApiResponse response, Digest actual, Digest expected) {
        return new InvalidContentException(response.request().what() + ": "
                + response.request().host() + " sent the digest " + actual + ", expected " + expected);
    }

    private static boolean isVerifiable(Digest digest) {
        return digest.algorithm().isVerifiable();
    }

    /** As {@link #statedDigest}, where content can be checked against it. */
    static Optional<Digest> verifiableDigest(ApiResponse response) {
        return statedDigest(response).filter(ManifestReads::isVerifiable);
    }

    /** {@code Docker-Content-Digest}, where it is a digest at all. */
    static Optional<Digest> statedDigest(ApiResponse response) {
        try {
            return response.header("Docker-Content-Digest").map(Digest::parse);
        } catch (InvalidNameException e) {
            return Optional.empty();
        }
    }

    // No outage, and nothing that would be different the next time.
    private static void refuseSchema1(ApiResponse response, MediaType type) throws BlockedException {
        if (type.isSchema1()) {
            throw new BlockedException(
                    BlockedException.Kind.UNVERIFIABLE,
                    response.request().what() + ": at " + response.request().host()
                            + " it is a Docker schema 1 image, which is not passed on because its digest cannot be verified from its"
                            + " bytes; pull it from the registry itself, or convert it: skopeo copy --format oci");
        }
    }
}
