package dev.entrepot.proxy.http;

import dev.entrepot.cache.Answer;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.proxy.http.RegistryRequest.ManifestRequest;
import io.helidon.http.Header;
import io.helidon.http.Status;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Supplier;

/**
 * Manifests, by tag and by digest (distribution-spec, "Pulling manifests"): the original bytes under their original
 * type. What the client accepts is not looked at: a narrow {@code Accept} is no reason to withhold the only content
 * there is.
 */
final class ManifestHandler {
    private final ContentHeaders.AtHand described = new ContentHeaders.AtHand();

    Reply handle(ManifestRequest request, ServedRepository repository, ClientCall call) throws IOException {
        ManifestReference reference = request.reference();
        if (reference instanceof Digest digest && !digest.algorithm().isVerifiable()) {
            return ErrorReplies.unverifiable(NotFoundException.Kind.MANIFEST, digest);
        }
        if (call.head()) {
            Answer<Descriptor> answer = repository.describe(reference);
            OptionalLong length = OptionalLong.of(answer.content().sizeBytes());
            return reply(reference, answer, call, () -> new ReplyBody.Unopened(length));
        }
        Answer<ManifestBytes> answer = repository.manifest(reference);
        return reply(
                reference,
                answer.map(ManifestBytes::descriptor),
                call,
                () -> new ReplyBody.Bytes(answer.content().array()));
    }

    private Reply reply(
            ManifestReference reference, Answer<Descriptor> answer, ClientCall call, Supplier<ReplyBody> body) {
        List<Header> headers = new ArrayList<>(6);
        ContentHeaders content = described.of(answer.content());
        headers.add(content.contentDigest());
        headers.add(content.etag());
        headers.add(ReplyHeaders.cacheControl(reference));
        ReplyHeaders.addFreshness(headers, answer);
        if (Conditions.notModified(call.headers(), answer.content().digest())) {
            return new Reply(Status.NOT_MODIFIED_304, headers, ReplyBody.None.INSTANCE, Optional.of(answer.verdict()));
        }
        headers.add(content.contentType());
        return new Reply(Status.OK_200, headers, body.get(), Optional.of(answer.verdict()));
    }
}
