package dev.entrepot.cache;

import dev.entrepot.oci.BlobBody;
import dev.entrepot.oci.ByteRange;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.Referrers;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.RepositorySource;
import dev.entrepot.oci.TagPage;
import java.io.IOException;
import java.util.Optional;
import java.util.OptionalLong;

/** An upstream that is never asked. */
record Unasked(Repository repository) implements RepositorySource {
    private OutageException no(Object node) {
        return new OutageException(
                OutageException.Reason.NOT_ASKED,
                "the cache does not keep " + node + " of " + repository + ", and no upstream is to be asked for it");
    }

    @Override
    public Optional<Descriptor> resolve(ManifestReference reference) throws IOException {
        throw no(reference);
    }

    @Override
    public ManifestBytes fetchManifest(ManifestReference reference) throws IOException {
        throw no(reference);
    }

    @Override
    public Optional<OptionalLong> statBlob(Digest digest) throws IOException {
        throw no(digest);
    }

    @Override
    public BlobBody openBlob(Digest digest, ByteRange range) throws IOException {
        throw no(digest);
    }

    @Override
    public TagPage listTags(Optional<String> cursor) throws IOException {
        throw no("the tag list");
    }

    @Override
    public Referrers referrers(Digest subject) throws IOException {
        throw no("the referrers of " + subject);
    }
}
