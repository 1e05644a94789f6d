package dev.entrepot.proxy;

import dev.entrepot.cache.Browsing;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Manifest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.RegistryException;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.client.Sample;
import java.io.IOException;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds something that is kept of an upstream, and so is likely still there, by which it can be asked what it can do.
 * Reads a bounded number of rows.
 */
final class KeptSamples {
    private static final Logger LOG = LoggerFactory.getLogger(KeptSamples.class);
    private static final int REPOSITORIES = 10_000;
    private static final int LOOKED_AT = 100;
    private static final int MANIFESTS = 20;

    private final OpenedCache cache;
    private final Browsing browsing;

    KeptSamples(OpenedCache cache) {
        this.cache = cache;
        this.browsing = new Browsing(cache.index());
    }

    /**
     * Something of the repository that was used last, of the first hundred of an upstream; empty if nothing is kept, or
     * if it is not asked without a client.
     */
    Optional<Sample> of(RegistryHost upstream) {
        if (cache.passesThrough(upstream)) {
            return Optional.empty();
        }
        try {
            List<Repository> kept = cache.index().links().repositories(upstream, REPOSITORIES).stream()
                    .filter(repository -> !cache.rules().of(repository).offline())
                    .limit(LOOKED_AT)
                    .toList();
            Optional<Repository> last = browsing.lines(kept).stream()
                    .filter(line -> line.lastUsed().isPresent())
                    .max(Comparator.comparing(line -> line.lastUsed().orElseThrow()))
                    .map(Browsing.RepositoryLine::repository);
            return last.isPresent() ? sample(last.get()) : Optional.empty();
        } catch (IOException e) {
            LOG.warn("what is kept of {} cannot be looked at: {}", upstream, e.toString());
            return Optional.empty();
        }
    }

    private Optional<Sample> sample(Repository repository) throws IOException {
        List<Digest> manifests = browsing.manifests(repository, MANIFESTS).stream()
                .map(Browsing.ManifestLine::digest)
                .toList();
        for (Digest manifest : manifests) {
            Optional<Digest> blob = blobOf(manifest);
            if (blob.isPresent()) {
                return Optional.of(new Sample(repository.name(), manifest, blob));
            }
        }
        return manifests.stream()
                .findFirst()
                .map(manifest -> new Sample(repository.name(), manifest, Optional.empty()));
    }

    private Optional<Digest> blobOf(Digest manifest) {
        Optional<ManifestBytes> kept = cache.cache().keptManifest(manifest);
        if (kept.isEmpty()) {
            return Optional.empty();
        }
        try {
            return Manifest.parse(kept.get()).blobs().stream().findFirst().map(blob -> blob.digest());
        } catch (RegistryException e) {
            return Optional.empty();
        }
    }
}
