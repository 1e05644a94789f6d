package dev.entrepot.cache;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.Repository;
import java.util.Optional;

/** Hears of content that comes, is used and goes. Called by the threads that do it, which it must not hold up. */
interface ContentWatcher {
    /** Nobody who wants to know. */
    ContentWatcher NONE = new ContentWatcher() {
        @Override
        public void stored(Digest digest, ContentKind kind, long bytes, Optional<Repository> owner) {}

        @Override
        public void used(Digest digest, Repository by) {}

        @Override
        public void removed(Digest digest) {}

        @Override
        public void changed(Repository repository, ManifestReference what) {}
    };

    /** Content is in the store now, or was stored again. */
    void stored(Digest digest, ContentKind kind, long bytes, Optional<Repository> owner);

    /** Content was served for a repository; at most once in half a minute. */
    void used(Digest digest, Repository by);

    /** Content is gone. */
    void removed(Digest digest);

    /** A tag of a repository names something else, or other referrers of a digest are known. */
    void changed(Repository repository, ManifestReference what);
}
