package dev.entrepot.oci.client;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Manifest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.RefusedException;
import dev.entrepot.oci.RegistryException;
import dev.entrepot.oci.UnauthorizedException;
import java.io.IOException;
import java.net.URI;
import java.time.Clock;
import java.util.Optional;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Asks a repository to mount a blob that it has from itself: where it mounts, nothing is there afterwards that was not
 * before; where it opens an upload session instead, that is deleted. The one request that says whether it mounts wants
 * the right to push, so that only somebody who was asked to makes it. The blob is looked for first, so that an answer
 * is about mounting and not about the blob.
 */
final class MountProbe {
    private static final Logger LOG = LoggerFactory.getLogger(MountProbe.class);
    private static final int DEEPEST = 3;

    private final Calls calls;
    private final RepositoryRequests requests;
    private final CapabilityMemory memory;
    private final Predicate<ApiRequest> mayCost;
    private final Clock clock;

    /**
     * Of a repository.
     *
     * @param calls with breakers, tokens and holds of their own: what goes wrong here is no matter of those who read
     * @param mayCost whether a request may cost a pull; those that may are not sent
     */
    MountProbe(
            Calls calls,
            RepositoryRequests requests,
            CapabilityMemory memory,
            Predicate<ApiRequest> mayCost,
            Clock clock) {
        this.calls = calls;
        this.requests = requests;
        this.memory = memory;
        this.mayCost = mayCost;
        this.clock = clock;
    }

    /** Asks. What came of it is remembered, whatever it is; while it is not known, that it is not. */
    MountsAsked run(Sample sample) {
        result(MountAnswer.UNCLEAR, "is not answered yet");
        try {
            Optional<Digest> blob = blob(sample);
            return blob.isPresent()
                    ? mount(blob.get())
                    : result(MountAnswer.NOTHING_TO_ASK_BY, "is not asked: no blob of it is known");
        } catch (IOException e) {
            return result(MountAnswer.UNCLEAR, "gave no answer: " + e.getMessage());
        }
    }

    private Optional<Digest> blob(Sample sample) throws IOException {
        BlobReads blobs = new BlobReads(calls, requests, memory, BlobReads.Absence.CONFIRMED);
        try {
            Optional<Digest> known = sample.blob().isPresent() ? sample.blob() : config(sample.manifest());
            return known.isPresent() && blobs.stat(known.get()).isPresent() ? known : Optional.empty();
        } catch (NotFoundException | UnauthorizedException e) {
            LOG.debug("{} shows no blob: {}", requests.repository(), e.getMessage());
            return Optional.empty();
        }
    }

    private Optional<Digest> config(ManifestReference top) throws IOException {
        ManifestReads reads = new ManifestReads(calls, requests, memory, new Validators());
        ManifestReference next = top;
        for (int depth = 0; depth < DEEPEST; depth++) {
            if (mayCost.test(ManifestReads.request(requests, Operation.MANIFEST, "GET", next))) {
                return Optional.empty();
            }
            ManifestBytes bytes = reads.fetch(next);
            Manifest manifest = Manifest.parse(bytes);
            if (!manifest.blobs().isEmpty()) {
                return Optional.of(manifest.blobs().getFirst().digest());
            }
            if (manifest.manifests().isEmpty()) {
                return Optional.empty();
            }
            next = manifest.manifests().getFirst().digest();
        }
        return Optional.empty();
    }

    private MountsAsked mount(Digest blob) throws IOException {
        UploadSession session = new UploadSession(calls, requests);
        UploadSession.Mount mount;
        try {
            mount = session.mount(blob, requests.repository());
        } catch (UnauthorizedException e) {
            // The token service has refused already.
            return result(MountAnswer.NOT_ALLOWED, "may not be pushed to by this account: " + e.getMessage());
        } catch (RefusedException e) {
            return unsupported(e.code())
                    ? result(MountAnswer.UNSUPPORTED, "does not mount: " + e.getMessage())
                    : result(MountAnswer.UNCLEAR, "gave no answer: " + e.getMessage());
        } catch (RegistryException e) {
            return result(MountAnswer.UNCLEAR, "gave no answer: " + e.getMessage());
        }
        if (mount.session().isPresent()) {
            return instead(session, mount.session().get(), blob);
        }
        String answered = "answered " + mount.status() + (mount.code().isEmpty() ? "" : " " + mount.code());
        if (mount.done()) {
            return result(MountAnswer.MOUNTED, "mounts: " + answered);
        }
        if (mount.unsupported() || mount.status() == 404 || unsupported(mount.code())) {
            return result(MountAnswer.UNSUPPORTED, "does not mount: " + answered);
        }
        return mount.status() == 401 || mount.status() == 403
                ? result(MountAnswer.NOT_ALLOWED, "may not be pushed to by this account: " + answered)
                : result(MountAnswer.UNCLEAR, "gave no answer: " + answered);
    }

    // Whatever the status is: registries that only read say so in several ways.
    private static boolean unsupported(String code) {
        return code.equals("UNSUPPORTED");
    }

    private MountsAsked instead(UploadSession session, URI location, Digest blob) {
        boolean deleted = session.cancel(location, blob);
        return result(
                MountAnswer.SESSION,
                "opened an upload session instead, as for a blob that is not there; it is "
                        + (deleted ? "deleted" : "left to the registry, which did not delete it"));
    }

    private MountsAsked result(MountAnswer answer, String said) {
        MountsAsked asked = new MountsAsked(
                requests.repository().name(), answer, requests.repository() + " " + said, clock.instant());
        memory.asked(requests.repository(), asked);
        return asked;
    }
}
