package dev.entrepot.replicator;

import dev.entrepot.oci.BlobBody;
import dev.entrepot.oci.ByteRange;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.KnownManifests;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.Referrers;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.RepositorySource;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.TagPage;
import java.io.IOException;
import java.util.Optional;
import java.util.OptionalLong;

/** A repository of a source whose requests are counted by kind. */
record CountedSource(RepositorySource source, SourceTally tally) implements RepositorySource {
    @Override
    public Repository repository() {
        return source.repository();
    }

    @Override
    public TagPage listTags(Optional<String> cursor) throws IOException {
        tally.tagList();
        return source.listTags(cursor);
    }

    @Override
    public Referrers referrers(Digest subject) throws IOException {
        tally.referrersList();
        return source.referrers(subject);
    }

    @Override
    public Referrers referrers(Digest subject, KnownManifests known) throws IOException {
        tally.referrersList();
        return source.referrers(subject, known);
    }

    @Override
    public Optional<OptionalLong> statBlob(Digest digest) throws IOException {
        return source.statBlob(digest);
    }

    @Override
    public BlobBody openBlob(Digest digest, ByteRange range) throws IOException {
        tally.blob(digest);
        return source.openBlob(digest, range);
    }

    @Override
    public void refuted(Digest digest) {
        source.refuted(digest);
    }

    @Override
    public Optional<Descriptor> resolve(ManifestReference reference) throws IOException {
        tally.head();
        return source.resolve(reference);
    }

    @Override
    public ManifestBytes fetchManifest(ManifestReference reference) throws IOException {
        switch (reference) {
            case Digest digest -> tally.manifest(digest);
            case Tag tag -> tally.manifestOfATag();
        }
        return source.fetchManifest(reference);
    }
}
