package dev.entrepot.cache;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Manifest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.Platform;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.Tag;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Walks what is kept of a pinned graph, without asking any upstream. For one thread and one pin. */
final class PinWalk {
    private static final Logger LOG = LoggerFactory.getLogger(PinWalk.class);
    /** Beyond this a graph is not an image: what was found by then is protected. */
    static final int MOST_DIGESTS = 100_000;

    // Cosign's tags, which no referrers list names.
    private static final List<String> TAG_SUFFIXES = List.of(".sig", ".att", ".sbom");
    private static final String SUBJECT = "[a-z0-9]{1,32}-[0-9a-f]{64}";

    private final ContentStore store;
    private final CacheIndex index;
    private final Pin pin;
    private final Served served;
    private final Set<Digest> digests = new LinkedHashSet<>();
    private final Set<Digest> unwanted = new HashSet<>();
    private final List<Descriptor> missing = new ArrayList<>();
    private final Deque<Descriptor> manifests = new ArrayDeque<>();
    private boolean unsure;
    private boolean waiting;

    /**
     * What a walk has found.
     *
     * @param graph what is protected
     * @param beside what is not, or not by this, and is decided about all the same: manifests that an index lists and
     *     nobody wants, and what the tag has named
     * @param waiting whether there is less to protect once what the tag names is old enough to be served
     */
    record Found(PinnedGraph graph, Set<Digest> beside, boolean waiting) {
        /** Copies the set. */
        Found {
            beside = Set.copyOf(beside);
        }

        /** As above, with what was found before; see {@link PinnedGraph#with}. */
        Found with(Found before) {
            return new Found(graph.with(before.graph), beside, waiting);
        }
    }

    /** What rules make of tags. */
    @FunctionalInterface
    interface Served {
        /** Whether a digest that was first seen then may not be served under a tag yet. */
        boolean isTooYoung(Repository repository, Tag tag, TagHistory.Former digest);
    }

    private PinWalk(ContentStore store, CacheIndex index, Pin pin, Served served) {
        this.store = store;
        this.index = index;
        this.pin = pin;
        this.served = served;
    }

    /**
     * The graph of a pin. What cannot be read counts as missing. As long as something is missing of what a tag names,
     * the last that it named before and that is whole is part of the graph, too, but not of what is missing.
     */
    static PinnedGraph walk(ContentStore store, CacheIndex index, Pin pin, Served served) {
        return new PinWalk(store, index, pin, served).walk();
    }

    /** As above, with what is beside the graph. */
    static Found find(ContentStore store, CacheIndex index, Pin pin, Served served) {
        PinWalk walk = new PinWalk(store, index, pin, served);
        PinnedGraph graph = walk.walk();
        Set<Digest> beside = new HashSet<>(walk.unwanted);
        if (pin.reference() instanceof Tag tag) {
            index.tags().history(pin.repository(), tag).former().stream()
                    .map(TagHistory.Former::digest)
                    .forEach(beside::add);
        }
        return new Found(graph, beside, walk.waiting);
    }

    /**
     * The {@linkplain Digest#referrersTag() name} of the manifest that a tag of cosign's belongs to; empty if it is
     * none of these.
     */
    static Optional<Tag> ofSubject(Tag tag) {
        return TAG_SUFFIXES.stream()
                .filter(suffix -> tag.value().endsWith(suffix))
                .map(suffix -> tag.value().substring(0, tag.value().length() - suffix.length()))
                .filter(name -> name.matches(SUBJECT))
                .map(Tag::new)
                .findFirst();
    }

    private PinnedGraph walk() {
        long failedReads = index.failedReads();
        Optional<Digest> root = switch (pin.reference()) {
            case Digest digest -> Optional.of(digest);
            case Tag tag -> addNamed(tag);
        };
        root.ifPresent(this::addManifest);
        visitAll();
        List<Descriptor> lacking = List.copyOf(missing);
        boolean known = !unsure;
        if (!lacking.isEmpty() && pin.reference() instanceof Tag tag) {
            // What the tag names now is not whole: until it is, the one before it stays as it is.
            List<TagHistory.Former> before = index.tags().history(pin.repository(), tag).former().reversed().stream()
                    .filter(former -> !root.equals(Optional.of(former.digest())) && isStored(former))
                    .toList();
            before.stream()
                    .filter(this::isWhole)
                    .findFirst()
                    .or(() -> before.stream().findFirst())
                    .ifPresent(former -> addManifest(former.digest()));
            visitAll();
        }
        boolean unread = index.failedReads() != failedReads;
        return new PinnedGraph(pin, root, digests, lacking, unread || !known);
    }

    private void visitAll() {
        while (!manifests.isEmpty() && digests.size() < MOST_DIGESTS) {
            visit(manifests.remove());
        }
    }

    // What was denied is forgotten, and what the tag named then stays pinned. Until what it names now is here and may
    // be served, clients are given what it named before: that is protected too.
    private Optional<Digest> addNamed(Tag tag) {
        TagHistory history = index.tags().history(pin.repository(), tag);
        Optional<TagHistory.Former> named = index.tags()
                .get(pin.repository(), tag)
                .map(record -> new TagHistory.Former(record.digest(), record.firstSeenAt()))
                .or(history::last);
        if (named.isPresent() && !(isStored(named.get()) && isServed(tag, named.get()))) {
            waiting = isStored(named.get());
            List<TagHistory.Former> before = history.former().reversed().stream()
                    .filter(former -> !former.digest().equals(named.get().digest()) && isStored(former))
                    .toList();
            before.stream()
                    .filter(former -> isServed(tag, former))
                    .findFirst()
                    .or(() -> before.stream().findFirst())
                    .ifPresent(former -> addManifest(former.digest()));
        }
        return named.map(TagHistory.Former::digest);
    }

    private boolean isWhole(TagHistory.Former former) {
        Pin alone = new Pin(pin.repository(), former.digest(), pin.platforms(), pin.referrers(), pin.ruled());
        return walk(store, index, alone, served).isComplete();
    }

    private boolean isStored(TagHistory.Former former) {
        return index.contents().isStored(former.digest());
    }

    private boolean isServed(Tag tag, TagHistory.Former former) {
        return !served.isTooYoung(pin.repository(), tag, former);
    }

    private void addManifest(Digest digest) {
        long bytes = index.contents().get(digest).map(IndexedContent::bytes).orElse(0L);
        add(Descriptor.of(index.contents().manifestType(digest).orElse(MediaType.OCI_MANIFEST), digest, bytes));
    }

    private void add(Descriptor descriptor) {
        if (!descriptor.digest().algorithm().isVerifiable() || !digests.add(descriptor.digest())) {
            return;
        }
        if (descriptor.isManifest()) {
            manifests.add(descriptor);
        } else if (!index.contents().isStored(descriptor.digest())) {
            missing.add(descriptor);
        }
    }

    private void visit(Descriptor descriptor) {
        Optional<Manifest> manifest = read(descriptor.digest());
        if (manifest.isEmpty()) {
            unsure = true;
            missing.add(descriptor);
        } else {
            // Layers with addresses of their own are fetched from there, by the client.
            manifest.get().blobs().stream()
                    .filter(blob -> blob.urls().isEmpty())
                    .forEach(this::add);
            for (Descriptor child : manifest.get().manifests()) {
                if (isWanted(child)) {
                    add(child);
                } else {
                    unwanted.add(child.digest());
                }
            }
        }
        if (pin.referrers()) {
            addReferrers(descriptor.digest());
        }
    }

    private boolean isWanted(Descriptor child) {
        Optional<Platform> offered = child.platform();
        return pin.platforms().isEmpty()
                || offered.isEmpty()
                || pin.platforms().stream().anyMatch(wish -> wish.matches(offered.get()));
    }

    private void addReferrers(Digest subject) {
        index.lists()
                .referrers(pin.repository(), subject)
                .flatMap(document -> ListCache.readReferrers(document.json()))
                .ifPresent(referrers -> referrers.descriptors().forEach(this::add));
        String tag = subject.referrersTag().value();
        for (String suffix : TAG_SUFFIXES) {
            if (tag.length() + suffix.length() <= 128) {
                index.tags()
                        .get(pin.repository(), new Tag(tag + suffix))
                        .ifPresent(found -> addManifest(found.digest()));
            }
        }
    }

    private Optional<Manifest> read(Digest digest) {
        try {
            Optional<byte[]> bytes = new StoreRepair(store, index).manifest(digest);
            if (bytes.isEmpty()) {
                return Optional.empty();
            }
            MediaType type = index.contents().manifestType(digest).orElse(MediaType.OCTET_STREAM);
            ManifestBytes manifest = ManifestTypes.withType(ManifestBytes.verified(type, digest, bytes.get()));
            return Optional.of(Manifest.parse(manifest));
        } catch (IOException e) {
            LOG.warn("what is under manifest {} of the pin of {} is not known: {}", digest, pin, e.toString());
            return Optional.empty();
        }
    }
}
