package dev.entrepot.proxy;

import dev.entrepot.cache.DiskLimits;
import dev.entrepot.cache.EvictionReason;
import dev.entrepot.cache.Evictor;
import dev.entrepot.cache.IndexComparison;
import dev.entrepot.cache.Inventory;
import dev.entrepot.cache.Pin;
import dev.entrepot.cache.PinnedGraph;
import dev.entrepot.cache.Scrub;
import dev.entrepot.cache.TagRecord;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidNameException;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.Platform;
import dev.entrepot.oci.Reference;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.Tag;
import dev.entrepot.proxy.replication.BadRequestException;
import dev.entrepot.proxy.replication.UserInName;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * What operators ask of a cache, from JSON to JSON: the same for the admin API and for commands without a server.
 * Thread-safe.
 */
final class CacheOperations {
    private final OpenedCache cache;
    private final Evictor evictor;

    /** On an opened cache. */
    CacheOperations(OpenedCache cache) {
        this.cache = cache;
        this.evictor = cache.evictor();
    }

    /** How full the disk is, with what, and what was evicted. */
    ObjectNode stats() throws IOException {
        ObjectNode json = OciJson.mapper().createObjectNode();
        DiskLimits limits = evictor.limits();
        long used = evictor.usedBytes();
        json.put("capacityBytes", limits.capacityBytes());
        json.put("highWatermarkBytes", limits.highBytes());
        json.put("lowWatermarkBytes", limits.lowBytes());
        json.put("usedBytes", used);
        json.put("storedBytes", cache.index().contents().storedBytes());
        json.put("storedCount", cache.index().contents().storedCount());
        json.put("smallBytes", cache.index().contents().smallBytes());
        long quarantined = cache.store().quarantineBytes();
        long ballast = cache.store().ballastBytes();
        json.put("unfinishedBytes", Math.max(0, used - cache.index().contents().storedBytes() - quarantined - ballast));
        json.put("quarantineBytes", quarantined);
        json.put("ballastBytes", ballast);
        json.put("pinnedBytes", evictor.pinnedBytes());
        json.put("pins", evictor.pins().pins().size());
        json.put("freeBytes", evictor.freeBytes());
        json.put("minFreeBytes", limits.minFreeBytes());
        json.put("lackingBytes", evictor.lackingBytes());
        json.put("quarantined", cache.store().quarantined());
        json.put("compared", cache.index().isCompared());
        json.put("policyReady", evictor.policyReady());
        ArrayNode pools = json.putArray("pools");
        evictor.pools().forEach(pool -> {
            ObjectNode entry = pools.addObject();
            entry.put("name", pool.name());
            entry.put("priority", pool.priority());
            entry.put("count", pool.count());
            entry.put("bytes", pool.bytes());
            pool.mostBytes().ifPresent(most -> entry.put("mostBytes", most));
        });
        ObjectNode evictions = json.putObject("evictions");
        for (EvictionReason reason : EvictionReason.values()) {
            ObjectNode entry = evictions.putObject(reason.name().toLowerCase(Locale.ROOT));
            entry.put("count", evictor.evictions(reason));
            entry.put("bytes", evictor.evictedBytes(reason));
        }
        json.set("scrub", scrubbing());
        return json;
    }

    private ObjectNode scrubbing() throws IOException {
        Scrub.Progress progress = cache.scrub().progress();
        ObjectNode json = OciJson.mapper().createObjectNode();
        json.put("running", progress.running());
        json.put("foldersDone", progress.foldersDone());
        json.put("folders", progress.folders());
        json.put("readBytes", progress.readBytes());
        json.put("checked", progress.checked());
        json.put("bad", progress.bad());
        json.put("awaited", cache.scrub().awaited());
        progress.lastRound().ifPresent(last -> json.put("lastRound", last.toString()));
        return json;
    }

    /** A page of the repositories, or of what is stored of one: {@link CacheListing#page}. */
    ObjectNode ls(Optional<String> repository, Optional<String> after) throws IOException, BadRequestException {
        return new CacheListing(new Inventory(cache.index())).page(repository, after);
    }

    /** The pins, each with what is missing of it. */
    ObjectNode pins() throws IOException {
        ObjectNode json = OciJson.mapper().createObjectNode();
        ArrayNode array = json.putArray("pins");
        evictor.pins().pins().forEach(pin -> array.add(shown(evictor.pins().graph(pin))));
        return json;
    }

    private static ObjectNode shown(PinnedGraph graph) {
        ObjectNode json = OciJson.mapper().createObjectNode();
        json.put("reference", graph.pin().toString());
        ArrayNode platforms = json.putArray("platforms");
        graph.pin().platforms().forEach(platform -> platforms.add(platform.toString()));
        json.put("referrers", graph.pin().referrers());
        json.put("byRule", graph.pin().ruled());
        graph.root().ifPresent(root -> json.put("root", root.toString()));
        json.put("digests", graph.digests().size());
        json.put("complete", graph.isComplete());
        ArrayNode missing = json.putArray("missing");
        graph.missing()
                .forEach(content -> missing.addObject()
                        .put("digest", content.digest().toString())
                        .put("mediaType", content.mediaType().toString())
                        .put("bytes", content.sizeBytes()));
        return json;
    }

    /** Pins, and shows what is missing. */
    ObjectNode pin(JsonNode arguments) throws IOException, BadRequestException {
        Reference reference = upstreamReference(arguments);
        try {
            Pin pin = new Pin(
                    reference.repository(),
                    reference.manifest(),
                    platforms(arguments),
                    arguments.path("referrers").asBoolean(true));
            evictor.pins().pin(pin);
            return shown(evictor.pins().graph(pin));
        } catch (InvalidNameException e) {
            throw new BadRequestException(String.valueOf(e.getMessage()));
        }
    }

    // Those of this site where none are named, as a rule that pins means it.
    private List<Platform> platforms(JsonNode arguments) throws BadRequestException {
        List<Platform> named = arguments
                .path("platforms")
                .valueStream()
                .map(node -> Platform.parse(node.asString("")))
                .toList();
        boolean all = arguments.path("allPlatforms").asBoolean(false);
        if (all && !named.isEmpty()) {
            throw new BadRequestException(
                    "either all platforms are pinned or those that are named: leave one of both out");
        }
        return all || !named.isEmpty() ? named : cache.rules().current().platforms();
    }

    /** Takes a pin away. */
    ObjectNode unpin(JsonNode arguments) throws IOException, BadRequestException {
        Reference reference = reference(arguments.path("reference").asString(""));
        if (!evictor.pins().unpin(reference.repository(), reference.manifest())) {
            throw new BadRequestException(reference + " is not pinned; \"entrepot cache pin\" shows what is");
        }
        return OciJson.mapper().createObjectNode().put("unpinned", reference.toString());
    }

    /** Evicts an image, or one piece of content. */
    ObjectNode evict(JsonNode arguments) throws IOException, BadRequestException {
        String what = arguments.path("reference").asString("");
        ObjectNode json = OciJson.mapper().createObjectNode();
        long bytes = 0;
        int gone = 0;
        int stayed = 0;
        for (Digest digest : digests(what)) {
            OptionalLong evicted = cache.cache().evict(digest);
            gone += evicted.isPresent() ? 1 : 0;
            bytes += evicted.orElse(0);
            stayed += evicted.isEmpty() && cache.index().contents().isStored(digest) ? 1 : 0;
        }
        json.put("evicted", gone);
        json.put("bytes", bytes);
        json.put("stayed", stayed);
        return json;
    }

    private List<Digest> digests(String what) throws IOException, BadRequestException {
        if (what.matches("sha(256|512):[0-9a-f]+")) {
            return List.of(reference("docker.io/library/any@" + what).digest().orElseThrow());
        }
        Reference reference = reference(what);
        // By what the tag names now: a pin of the tag may protect what it named before as well.
        Digest root = switch (reference.manifest()) {
            case Digest digest -> digest;
            case Tag tag ->
                cache.index()
                        .tags()
                        .get(reference.repository(), tag)
                        .map(TagRecord::digest)
                        .orElseThrow(() -> unknown(reference));
        };
        PinnedGraph graph = evictor.pins().graph(Pin.all(reference.repository(), root));
        boolean pinned = evictor.pins().isPinned(root);
        if (!pinned && reference.manifest() instanceof Tag tag) {
            cache.index().tags().leave(reference.repository(), tag);
        }
        return List.copyOf(graph.digests());
    }

    // A name without a registry is one of Docker Hub in all commands, whatever the default upstream is.
    private BadRequestException unknown(Reference reference) {
        RegistryHost registry = reference.repository().registry();
        String looked = reference.tag().isPresent()
                ? reference.toString()
                : reference + ":" + reference.manifest() + ", which is meant where no tag or digest is written";
        return cache.upstreams().containsKey(registry)
                ? new BadRequestException("nothing is known of " + looked + "; \"entrepot cache ls\" shows what is")
                : new BadRequestException("nothing is known of " + looked + ", and " + noUpstream(registry)
                        + ": a name begins with its registry; \"entrepot cache ls\" shows what is known");
    }

    private String noUpstream(RegistryHost registry) {
        return "there is no upstream " + registry + "; there are "
                + cache.upstreams().keySet();
    }

    /** Has all that is stored read again, in the background. */
    ObjectNode scrub() throws IOException {
        cache.scrub().request();
        return scrubbing().put("begun", true);
    }

    /** Reads all that is stored again, in this thread. What is bad is left for the next server to fetch anew. */
    ObjectNode scrubNow() throws IOException, InterruptedException {
        cache.scrub().runRound();
        // When it ended is read from there.
        cache.index().flush();
        return scrubbing();
    }

    /** Makes the index agree with the files. */
    ObjectNode rebuild() throws IOException {
        IndexComparison.Result result = IndexComparison.run(cache.store(), cache.index());
        ObjectNode json = OciJson.mapper().createObjectNode();
        json.put("registered", result.registered());
        json.put("forgotten", result.forgotten());
        json.put("storedCount", cache.index().contents().storedCount());
        json.put("storedBytes", cache.index().contents().storedBytes());
        return json;
    }

    private Reference upstreamReference(JsonNode arguments) throws BadRequestException {
        Reference reference = reference(arguments.path("reference").asString(""));
        if (!cache.upstreams().containsKey(reference.repository().registry())) {
            throw new BadRequestException(noUpstream(reference.repository().registry()));
        }
        return reference;
    }

    private static Reference reference(String text) throws BadRequestException {
        UserInName.refuse(text);
        try {
            return Reference.parse(text);
        } catch (InvalidNameException e) {
            throw new BadRequestException(String.valueOf(e.getMessage()));
        }
    }
}
