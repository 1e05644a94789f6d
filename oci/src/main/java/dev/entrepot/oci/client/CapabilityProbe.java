package dev.entrepot.oci.client;

import dev.entrepot.oci.BlobBody;
import dev.entrepot.oci.ByteRange;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.RegistryException;
import dev.entrepot.oci.Tag;
import java.io.IOException;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds out what a repository can do, by five small requests for something that it is known to have: HEAD of a
 * manifest, the same by a conditional GET, the first page of its referrers, HEAD of a blob, and its first byte. Of a
 * tag that is only supposed to be there, by two: HEAD of its manifest, and the first page of the referrers of what it
 * names. Whether it mounts is asked by {@link MountProbe} alone: that wants the right to push. What is found out goes
 * where all requests put it.
 */
final class CapabilityProbe {
    private static final Logger LOG = LoggerFactory.getLogger(CapabilityProbe.class);
    private static final Digest NOBODYS = Digest.parse("sha256:" + "0".repeat(64));

    private final Calls calls;
    private final RepositoryRequests requests;
    private final CapabilityMemory memory;
    private final Predicate<ApiRequest> mayCost;

    /**
     * Of a repository.
     *
     * @param mayCost whether a request may cost a pull; those that may are not sent
     */
    CapabilityProbe(Calls calls, RepositoryRequests requests, CapabilityMemory memory, Predicate<ApiRequest> mayCost) {
        this.calls = calls;
        this.requests = requests;
        this.memory = memory;
        this.mayCost = mayCost;
    }

    private interface Step {
        void run() throws IOException;
    }

    /** Asks. What is refused is not found out; an outage ends it. */
    void run(Sample sample) throws IOException {
        switch (sample.manifest()) {
            case Digest digest -> {
                step(() -> manifest(digest));
                step(() -> new ReferrersReads(calls, requests, memory).look(digest));
            }
            case Tag tag -> step(() -> supposed(tag));
        }
        if (sample.blob().isPresent()) {
            Digest blob = sample.blob().get();
            BlobReads blobs = new BlobReads(calls, requests, memory, BlobReads.Absence.CONFIRMED);
            step(() -> blobs.stat(blob));
            step(() -> {
                try (BlobBody body = blobs.open(blob, ByteRange.of(0, 0), OptionalLong.empty())) {
                    LOG.debug("{} sent a part at {}", requests.repository(), body.offset());
                }
            });
        }
    }

    private void step(Step step) throws IOException {
        try {
            step.run();
        } catch (OutageException e) {
            throw e;
        } catch (RegistryException e) {
            LOG.debug("{} did not show what it can do: {}", requests.repository(), e.getMessage());
        }
    }

    // Who lists referrers answers with an empty list for a digest that is not there, too. But where there is no such
    // repository at all, 404 says nothing of the API.
    private void supposed(Tag tag) throws IOException {
        ApiRequest head = ManifestReads.request(requests, Operation.RESOLVE, "HEAD", tag);
        Digest subject = calls.call(head, response -> {
            switch (response.status()) {
                case 200 -> memory.saw(requests.repository(), Capability.HEAD_MANIFESTS, true);
                case 405, 501 -> memory.saw(requests.repository(), Capability.HEAD_MANIFESTS, false);
                default -> throw calls.errors().failure(response);
            }
            return ManifestReads.statedDigest(response).orElse(NOBODYS);
        });
        new ReferrersReads(calls, requests, memory).look(subject);
    }

    private void manifest(Digest digest) throws IOException {
        ApiRequest head = ManifestReads.request(requests, Operation.RESOLVE, "HEAD", digest);
        Optional<String> etag = calls.call(head, response -> {
            switch (response.status()) {
                case 200 -> memory.saw(requests.repository(), Capability.HEAD_MANIFESTS, true);
                case 405, 501 -> memory.saw(requests.repository(), Capability.HEAD_MANIFESTS, false);
                default -> throw calls.errors().failure(response);
            }
            return Validators.strong(response);
        });
        ApiRequest get = ManifestReads.request(requests, Operation.MANIFEST, "GET", digest);
        if (etag.isPresent() && !mayCost.test(get)) {
            calls.call(get.withHeader("If-None-Match", etag.get()), response -> {
                if (response.status() == 304 || response.status() == 200) {
                    memory.saw(requests.repository(), Capability.CONDITIONAL, response.status() == 304);
                }
                return true;
            });
        }
    }
}
