package dev.entrepot.replicator.layout;

import dev.entrepot.oci.BlobSource;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.PushedManifest;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.RepositorySource;
import dev.entrepot.oci.RepositoryTarget;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.TargetRegistry;
import java.io.IOException;

/** A layout of which somebody is told what is done to it, and may do something meanwhile. */
record WatchedLayout(TargetRegistry layout, Watch watch) implements TargetRegistry {
    /** Whoever is told. */
    interface Watch {
        /** A tag was pushed, and is not settled yet. */
        default void pushed(Tag tag) throws IOException {}

        /** What is pending is about to be settled. */
        default void settling() throws IOException {}

        /** Something is about to be deleted. */
        default void deleting() throws IOException {}

        /** A run is about to end. */
        default void ending() throws IOException {}
    }

    @Override
    public String name() {
        return layout.name();
    }

    @Override
    public String place() {
        return layout.place();
    }

    @Override
    public boolean isAtHand() {
        return layout.isAtHand();
    }

    @Override
    public RepositorySource reader(RepositoryName name) {
        return layout.reader(name);
    }

    @Override
    public RepositoryTarget target(RepositoryName name) {
        return new Watched(layout.target(name), watch);
    }

    @Override
    public boolean isPacked() {
        return layout.isPacked();
    }

    @Override
    public void begin() throws IOException {
        layout.begin();
    }

    @Override
    public void end(boolean complete) throws IOException {
        watch.ending();
        layout.end(complete);
    }

    private record Watched(RepositoryTarget target, Watch watch) implements RepositoryTarget {
        @Override
        public boolean containsBlob(Digest digest) throws IOException {
            return target.containsBlob(digest);
        }

        @Override
        public void pushBlob(Descriptor blob, BlobSource content) throws IOException {
            target.pushBlob(blob, content);
        }

        @Override
        public boolean mountBlob(Digest digest, RepositoryName from) throws IOException {
            return target.mountBlob(digest, from);
        }

        @Override
        public PushedManifest pushManifest(ManifestBytes manifest, ManifestReference reference) throws IOException {
            // The tag that comes next, and is settled then, comes after what is done meanwhile.
            synchronized (watch) {
                PushedManifest pushed = target.pushManifest(manifest, reference);
                if (reference instanceof Tag tag) {
                    watch.pushed(tag);
                }
                return pushed;
            }
        }

        @Override
        public void settle() throws IOException {
            watch.settling();
            target.settle();
        }

        @Override
        public boolean deleteManifest(ManifestReference reference) throws IOException {
            watch.deleting();
            return target.deleteManifest(reference);
        }
    }
}
