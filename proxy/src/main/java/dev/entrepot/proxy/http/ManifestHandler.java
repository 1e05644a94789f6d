package dev.entrepot.proxy.http;

import dev.entrepot.cache.Answer;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.proxy.http.RegistryRequest.ManifestRequest;
import io.helidon.http.Header;
import io.helidon.http.Status;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Manifests, by tag and by digest (distribution-spec, "Pulling manifests"): the original bytes under their original type. What the
 * client accepts is not looked at: a narrow {@code Accept} is no reason to withhold the only content there is.
 */
final class ManifestHandler {
    private final ContentHeaders.AtHand described = new ContentHeaders.AtHand();

    Reply handle(ManifestRequest request, ServedRepository repository, ClientCall call) throws IOException {
        Answer<ManifestBytes> answer = repository.manifest(request.reference());
        ManifestBytes manifest = answer.content();
        List<Header> headers = new ArrayList<>(6);
        ContentHeaders content = described.of(manifest);
        headers.add(content.contentDigest());
        headers.add(content.etag());
        headers.add(ReplyHeaders.cacheControl(request.reference()));
        ReplyHeaders.addFreshness(headers, answer);
        if (Conditions.notModified(call.headers(), manifest.digest())) {
            return new Reply(Status.NOT_MODIFIED_304, headers, ReplyBody.None.INSTANCE, Optional.of(answer.verdict()));
        }
        headers.add(content.contentType());
        return Reply.of(Status.OK_200, headers, manifest.array(), Optional.of(answer.verdict()));
    }
}
