package dev.entrepot.proxy;

import dev.entrepot.oci.OciJson;
import dev.entrepot.proxy.replication.BadRequestException;
import java.util.List;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;
import picocli.CommandLine.ParseResult;
import tools.jackson.databind.node.ObjectNode;

/** The commands of the cache as the command line knows them: their options, parameters and help. */
final class CacheCommandLine {
    /** How the names of these commands begin. */
    static final String PREFIX = "entrepot cache ";

    private static final String REPOSITORY = "--repository";
    private static final String PLATFORM = "--platform";
    private static final String ALL_PLATFORMS = "--all-platforms";
    private static final String NO_REFERRERS = "--no-referrers";

    private CacheCommandLine() {}

    /** Adds the commands. */
    static void addTo(CommandSpec entrepot) {
        entrepot.addSubcommand(
                "cache",
                CommandLineSpec.command("Look at the cache, look after it, and fill it.")
                        .addSubcommand(
                                "stats", on("Show how full the disk is, with what, and what was evicted and why."))
                        .addSubcommand("ls", ls())
                        .addSubcommand("pin", pin())
                        .addSubcommand(
                                "unpin",
                                on("Take a pin away.")
                                        .addPositional(ReplicationCommandLine.parameter(0, "REF", "As it was pinned.")))
                        .addSubcommand("warm", WarmCommand.spec())
                        .addSubcommand(
                                "evict",
                                on("Delete an image with its blobs, or one piece of content. What is pinned or in use stays; exit"
                                                + " code 3 if some of it does, 1 if all of it does.")
                                        .addPositional(ReplicationCommandLine.parameter(
                                                0,
                                                "REF|DIGEST",
                                                "host/name:tag, host/name@digest, or a digest alone.")))
                        .addSubcommand(
                                "scrub",
                                on(
                                        "Read all that is stored and check its digest. A server that has the data folder open does it in the"
                                                + " background and fetches anew at once what is bad: this command ends before"
                                                + " that, and cache stats shows how far it is and what came of it. Without a server"
                                                + " it ends when all is read, and what is bad is left for the next server to fetch anew."))
                        .addSubcommand(
                                "rebuild",
                                on(
                                        "Make the index agree with the files; without a server, make it anew from them. Pins are kept.")));
    }

    private static CommandSpec on(String description) {
        CommandSpec spec = ReplicationCommandLine.onData(description);
        spec.usageMessage().footer("", CommandLineSpec.CODES);
        return spec;
    }

    private static CommandSpec ls() {
        return on("Show the repositories of which anything is stored, or what is stored of one.")
                .addOption(OptionSpec.builder(REPOSITORY)
                        .paramLabel("HOST/NAME")
                        .type(String.class)
                        .description("Show the tags, manifests and blobs of this one.")
                        .build());
    }

    private static CommandSpec pin() {
        return on("Never evict an image, nor anything under it; say what of it is not stored yet. Without REF: show the pins.")
                .addPositional(PositionalParamSpec.builder()
                        .index("0")
                        .paramLabel("REF")
                        .type(String.class)
                        .arity("0..1")
                        .description("host/name:tag, and then whatever the tag names at the time, or host/name@digest.")
                        .build())
                .addOption(OptionSpec.builder(PLATFORM)
                        .paramLabel("OS/ARCHITECTURE")
                        .type(List.class)
                        .auxiliaryTypes(String.class)
                        .arity("1")
                        .description(
                                "Only this platform of an index; may be repeated. Without it, those of cache.platforms, or all.")
                        .build())
                .addOption(OptionSpec.builder(ALL_PLATFORMS)
                        .type(boolean.class)
                        .description("All platforms of an index, whatever cache.platforms says.")
                        .build())
                .addOption(OptionSpec.builder(NO_REFERRERS)
                        .type(boolean.class)
                        .description("Without signatures, SBOMs and whatever else refers to it.")
                        .build());
    }

    /**
     * Checks what a command is given.
     *
     * @throws BadRequestException if it would not be heeded
     */
    static void check(ParseResult command) throws BadRequestException {
        for (String option : List.of(PLATFORM, ALL_PLATFORMS, NO_REFERRERS)) {
            if (command.commandSpec().findOption(option) != null
                    && command.hasMatchedOption(option)
                    && !command.hasMatchedPositional(0)) {
                throw new BadRequestException(option + " says how to pin; name what, as host/name:tag");
            }
        }
    }

    /** What the admin API is told of the options and parameters of a command. */
    static ObjectNode arguments(ParseResult command) {
        ObjectNode json = OciJson.mapper().createObjectNode();
        if (command.hasMatchedPositional(0)) {
            String reference = command.matchedPositionalValue(0, "");
            json.put("reference", reference);
        }
        if (command.commandSpec().findOption(REPOSITORY) != null && command.hasMatchedOption(REPOSITORY)) {
            String repository = command.matchedOptionValue(REPOSITORY, "");
            json.put("repository", repository);
        }
        if (command.commandSpec().findOption(PLATFORM) != null) {
            List<String> platforms = command.matchedOptionValue(PLATFORM, List.of());
            platforms.forEach(json.putArray("platforms")::add);
            if (command.commandSpec().findOption(ALL_PLATFORMS) != null) {
                json.put("allPlatforms", command.hasMatchedOption(ALL_PLATFORMS));
            }
            json.put("referrers", !command.hasMatchedOption(NO_REFERRERS));
        }
        return json;
    }
}
