package dev.entrepot.proxy;

import dev.entrepot.cache.CacheIndex;
import dev.entrepot.cache.ContentStore;
import dev.entrepot.config.EntrepotConfig;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.proxy.replication.BadRequestException;
import dev.entrepot.proxy.replication.RunningServer;
import dev.entrepot.replicator.journal.CopyJournal;
import java.io.IOException;
import java.io.PrintStream;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;
import java.util.StringJoiner;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The commands {@code entrepot cache ...}. Where a server has the data folder open, it is asked; else the folder is
 * opened here.
 */
final class CacheCommands {
    private final EntrepotConfig config;
    private final ClientEnvironment environment;
    private final PrintStream out;
    private final PrintStream err;

    /**
     * The commands of a configuration.
     *
     * @param out where answers go
     * @param err where is said who is asked
     */
    CacheCommands(EntrepotConfig config, ClientEnvironment environment, PrintStream out, PrintStream err) {
        this.config = config;
        this.environment = environment;
        this.out = out;
        this.err = err;
    }

    /**
     * Runs a command and returns its exit code.
     *
     * @param name its last word
     * @param arguments as the admin API takes them
     */
    int run(String name, ObjectNode arguments, boolean json)
            throws IOException, BadRequestException, InterruptedException {
        JsonNode answer = answer(name, arguments);
        out.print(json ? answer + "\n" : CacheTexts.of(name, answer));
        return name.equals("evict") ? ofEviction(answer) : ExitCodes.OK;
    }

    // What was not there to be evicted is gone, as was asked.
    private static int ofEviction(JsonNode answer) {
        if (answer.path("stayed").asLong() == 0) {
            return ExitCodes.OK;
        }
        return answer.path("evicted").asLong() > 0 ? ExitCodes.PARTLY : ExitCodes.FAILURE;
    }

    private JsonNode answer(String name, ObjectNode arguments)
            throws IOException, BadRequestException, InterruptedException {
        Path directory = config.cache().directory();
        Optional<RunningServer> server = RunningServer.find(directory);
        if (server.isPresent()) {
            try (RunningServer running = server.get()) {
                err.println("asking the server at " + running.url() + ", which has " + directory + " open");
                return name.equals("ls")
                        ? CacheListing.all(next -> running.ask(path(name, arguments, next), Optional.empty()))
                        : running.ask(CacheApi.ROOT + name, body(name, arguments));
            }
        }
        if (name.equals("rebuild")) {
            return rebuild(directory);
        }
        if (!name.equals("pin") || isListOfPins(name, arguments)) {
            LookedAt.requireStore(directory);
        }
        try (OpenedCache cache = new OpenedCache(config, environment)) {
            return here(new CacheOperations(cache), name, arguments);
        }
    }

    private static String path(String name, ObjectNode arguments, Optional<String> after) {
        StringJoiner query = new StringJoiner("&", "?", "").setEmptyValue("");
        String repository = arguments.path("repository").asString("");
        if (!repository.isEmpty()) {
            query.add("repository=" + URLEncoder.encode(repository, StandardCharsets.UTF_8));
        }
        after.ifPresent(last -> query.add("after=" + URLEncoder.encode(last, StandardCharsets.UTF_8)));
        return CacheApi.ROOT + name + query;
    }

    private static Optional<String> body(String name, ObjectNode arguments) {
        boolean question = name.equals("stats") || isListOfPins(name, arguments);
        return question ? Optional.empty() : Optional.of(arguments.toString());
    }

    private static boolean isListOfPins(String name, ObjectNode arguments) {
        return name.equals("pin") && !arguments.has("reference");
    }

    private static JsonNode here(CacheOperations operations, String name, ObjectNode arguments)
            throws IOException, BadRequestException, InterruptedException {
        return switch (name) {
            case "stats" -> operations.stats();
            case "ls" ->
                CacheListing.all(next -> operations.ls(
                        Optional.ofNullable(arguments.get("repository")).map(node -> node.asString("")), next));
            case "pin" -> isListOfPins(name, arguments) ? operations.pins() : operations.pin(arguments);
            case "unpin" -> operations.unpin(arguments);
            case "evict" -> operations.evict(arguments);
            case "scrub" -> operations.scrubNow();
            default -> throw new IllegalArgumentException("cache " + name);
        };
    }

    private JsonNode rebuild(Path directory) throws IOException {
        ContentStore.refuseForeign(directory);
        ContentStore.refuseNested(directory);
        LookedAt.requireFiles(directory);
        CopyJournal.refuseNewer(directory);
        try (ContentStore store = ContentStore.open(directory, environment.clock());
                CacheIndex index = CacheIndex.rebuild(store, environment.clock())) {
            return OciJson.mapper()
                    .createObjectNode()
                    .put("storedCount", index.contents().storedCount())
                    .put("storedBytes", index.contents().storedBytes());
        }
    }
}
