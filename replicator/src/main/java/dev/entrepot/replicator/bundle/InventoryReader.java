package dev.entrepot.replicator.bundle;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;

/**
 * Reads one inventory document. Of equal names one is kept, so that the inventory takes about as much memory as its
 * document.
 */
final class InventoryReader implements AutoCloseable {
    private final CanonicalReader in;
    private final Map<String, Digest> digests = new HashMap<>();
    private final Map<String, RepositoryName> names = new HashMap<>();

    InventoryReader(byte[] document) {
        this.in = new CanonicalReader(document);
    }

    Inventory read() {
        Inventory inventory = in.object(() -> {
            in.key("inventory");
            long version = in.number();
            Checks.that(
                    version == Inventory.VERSION,
                    "it is of version " + version + ", this program reads version " + Inventory.VERSION);
            in.key("volumes");
            int volumes = in.smallNumber();
            OptionalLong volumeBytes =
                    in.optionalKey("volume-bytes") ? OptionalLong.of(in.number()) : OptionalLong.empty();
            List<Digest> since = in.optionalKey("since") ? in.oneOrList(this::digest) : List.of();
            in.key("images");
            List<BundledImage> images = in.list(this::image);
            in.key("manifests");
            List<BundledManifest> manifests = in.list(this::manifest);
            in.key("blobs");
            List<BundledBlob> blobs = in.list(this::blob);
            in.key("fallbacks");
            List<BundledFallback> fallbacks = in.list(this::fallback);
            return new Inventory(volumes, volumeBytes, since, images, manifests, blobs, fallbacks);
        });
        in.end();
        return inventory;
    }

    private Digest digest() {
        return digests.computeIfAbsent(in.text(), Digest::parse);
    }

    private RepositoryName name() {
        return names.computeIfAbsent(in.text(), RepositoryName::new);
    }

    private BundledImage image() {
        return in.object(() -> {
            in.key("source");
            Repository source = Repository.parse(in.text());
            in.key("repository");
            RepositoryName repository = name();
            in.key("tag");
            Tag tag = new Tag(in.text());
            in.key("manifest");
            return new BundledImage(source, repository, tag, digest());
        });
    }

    private BundledManifest manifest() {
        return in.object(() -> {
            in.key("digest");
            Digest digest = digest();
            in.key("mediaType");
            MediaType mediaType = new MediaType(in.text());
            in.key("size");
            long size = in.number();
            Optional<String> type = in.optionalKey("artifactType") ? Optional.of(in.text()) : Optional.empty();
            Map<String, String> annotations = in.optionalKey("annotations") ? in.object(this::annotations) : Map.of();
            return new BundledManifest(
                    Descriptor.of(mediaType, digest, size).asReferrer(type, annotations),
                    in.optionalList("repositories", this::name),
                    in.optionalList("children", this::digest),
                    in.optionalList("omitted", this::digest),
                    in.optionalList("blobs", this::digest),
                    in.optionalKey("subject") ? Optional.of(digest()) : Optional.empty(),
                    in.optionalList("referrers", this::digest),
                    in.optionalList("cosign", this::cosignTag),
                    placement());
        });
    }

    private Map<String, String> annotations() {
        Map<String, String> annotations = new TreeMap<>();
        for (String name = in.anyKey(); name != null; name = in.anyKey()) {
            annotations.put(name, in.text());
        }
        return annotations;
    }

    private BundledManifest.CosignTag cosignTag() {
        return in.object(() -> {
            in.key("repository");
            RepositoryName repository = name();
            in.key("tag");
            Tag tag = new Tag(in.text());
            in.key("manifest");
            return new BundledManifest.CosignTag(repository, tag, digest());
        });
    }

    private BundledBlob blob() {
        return in.object(() -> {
            in.key("digest");
            Digest digest = digest();
            in.key("size");
            long size = in.number();
            return new BundledBlob(digest, size, in.optionalList("repositories", this::name), placement());
        });
    }

    private BundledFallback fallback() {
        return in.object(() -> {
            in.key("subject");
            Digest subject = digest();
            in.key("digest");
            Digest digest = digest();
            in.key("size");
            long size = in.number();
            in.key("volume");
            return new BundledFallback(subject, digest, size, in.smallNumber());
        });
    }

    private Placement placement() {
        if (in.optionalKey("volume")) {
            return new Placement.InVolume(in.smallNumber());
        }
        if (in.optionalKey("parts")) {
            return new Placement.InParts(in.list(this::part));
        }
        in.key("held");
        return new Placement.Held(name());
    }

    private Placement.Part part() {
        return in.object(() -> {
            in.key("volume");
            int volume = in.smallNumber();
            in.key("size");
            long size = in.number();
            in.key("digest");
            return new Placement.Part(volume, size, digest());
        });
    }

    @Override
    public void close() {
        in.close();
    }
}
