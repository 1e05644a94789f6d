package dev.entrepot.replicator.bundle;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The tags that an import writes, so that none of them is written twice with different content: the signature of one
 * image would be lost. For one check.
 */
final class TakenNames {
    private final ImportNames names;
    private final Map<String, Taken> taken = new HashMap<>();

    /** Who has a tag, and what it is to name. */
    private record Taken(String by, Digest manifest) {}

    private TakenNames(ImportNames names) {
        this.names = names;
    }

    /**
     * Checks tags of images, cosign tags, and fallback tags, which a target without the referrers API gets.
     *
     * @throws BundleException if two would be one
     */
    static void check(List<ImageClosure> closures, ImportNames names) throws BundleException {
        TakenNames all = new TakenNames(names);
        for (ImageClosure closure : closures) {
            all.image(closure.image());
        }
        for (ImageClosure closure : closures) {
            all.cosign(closure);
            all.fallbacks(closure, closures);
        }
    }

    private void image(BundledImage image) throws BundleException {
        String name = names.repository(image.repository()) + ":" + names.tag(image);
        Taken other = taken.putIfAbsent(name, new Taken(image.name(), image.manifest()));
        if (other != null) {
            throw both(other.by(), image.name(), name);
        }
    }

    private void cosign(ImageClosure closure) throws BundleException {
        RepositoryName repository = closure.image().repository();
        for (Map.Entry<Tag, Digest> tag : closure.cosignTags().entrySet()) {
            String by = repository + ":" + tag.getKey();
            String name = names.repository(repository) + ":" + tag.getKey();
            Taken other = taken.putIfAbsent(name, new Taken(by, tag.getValue()));
            if (other != null && !other.manifest().equals(tag.getValue())) {
                throw both(other.by(), by, name);
            }
        }
    }

    // Lists of referrers of two repositories are merged where they meet; a tag of an image in their place would replace
    // them.
    private void fallbacks(ImageClosure closure, List<ImageClosure> all) throws BundleException {
        RepositoryName repository = closure.image().repository();
        for (BundledManifest manifest : closure.manifests()) {
            Tag fallback = manifest.digest().referrersTag();
            String name = names.repository(repository) + ":" + fallback;
            if (!manifest.referrers().isEmpty() && taken.containsKey(name)) {
                for (ImageClosure other : all) {
                    BundledImage image = other.image();
                    boolean own =
                            image.repository().equals(repository) && image.tag().equals(fallback);
                    if (!own && (names.repository(image.repository()) + ":" + names.tag(image)).equals(name)) {
                        throw both("the list of what refers to " + manifest.digest(), image.name(), name);
                    }
                }
            }
        }
    }

    private static BundleException both(String one, String other, String name) {
        return new BundleException("both " + one + " and " + other + " would become " + name
                + "; map them to different names, or import them one by one with --only");
    }
}
