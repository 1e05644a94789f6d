package dev.entrepot.proxy;

import dev.entrepot.config.ReplicationRuleConfig.Verify;
import dev.entrepot.proxy.replication.BadRequestException;
import dev.entrepot.replicator.bundle.ExportRuns;
import dev.entrepot.replicator.bundle.ImportFolder;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.UnaryOperator;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;
import picocli.CommandLine.ParseResult;

/** The commands of replication as the command line knows them: their options, parameters and help. */
final class ReplicationCommandLine {
    /** The name of the option for JSON. */
    static final String JSON = "--json";
    /** The name of the option for the data folder. */
    static final String DATA = "--data";

    /** The name of the parameter for where a copy goes. */
    static final String TARGET = "TARGET";

    private static final String IMPORTS = "--imports";
    private static final String EXPORTS = "--exports";
    private static final String LAYOUT = "layout:PATH[:[REPOSITORY:]TAG]";
    private static final String RUN_CODES =
            "Exit codes: 0 complete, 3 partly, 1 failed, 2 wrong usage, 78 wrong configuration.";

    private ReplicationCommandLine() {}

    /** Adds the commands. */
    static void addTo(CommandSpec entrepot) {
        entrepot.addSubcommand("plan", plan())
                .addSubcommand("sync", sync())
                .addSubcommand("copy", copy())
                .addSubcommand("tree", tree())
                .addSubcommand("runs", runs());
    }

    private static CommandSpec plan() {
        return onData(
                        "Show what a run of a rule would do now: what is copied, where, and why each tag is kept or dropped.")
                .addOption(verifying())
                .addPositional(parameter(0, "RULE", "The name of a rule of the configuration."));
    }

    private static CommandSpec sync() {
        return onData("Run a rule now: a tag is moved at a target when everything under it is there, and not before.")
                .addOption(verifying())
                .addPositional(parameter(0, "RULE", "The name of a rule of the configuration."));
    }

    private static CommandSpec copy() {
        return onData("Copy one image with all that refers to it, without a rule.")
                .addOption(verifying())
                .addPositional(parameter(
                        0,
                        "SOURCE",
                        "A reference of an upstream, or http(s)://host/name:tag (or @digest), or " + LAYOUT
                                + " (or @digest)."))
                .addPositional(parameter(
                        1,
                        TARGET,
                        "http(s)://host/name[:tag], or a reference of an upstream or of the host of a rule's target, or "
                                + LAYOUT + ": an OCI image layout, in a folder, or in a tar if PATH ends in .tar."
                                + " Plain HTTP only where it says http://."));
    }

    private static OptionSpec verifying() {
        return BundleCommandLine.verifying(
                "What a target has is believed by name and size, and what was complete for a day; or all of it is compared and read, and"
                        + " replaced where it is wrong: deep. A rule's own key holds where this is not given.");
    }

    /** What a command says of how to verify. */
    static Optional<Verify> verify(ParseResult command) {
        return command.hasMatchedOption(BundleCommandLine.VERIFY)
                ? Optional.of(command.matchedOptionValue(BundleCommandLine.VERIFY, Verify.HEAD))
                : Optional.empty();
    }

    private static CommandSpec tree() {
        CommandSpec spec =
                command("Show the graph of an image: its manifests, their blobs, and all that refers to any of them.");
        spec.addPositional(PositionalParamSpec.builder()
                .index("0..*")
                .paramLabel("[BUNDLE...] REF")
                .type(String[].class)
                .auxiliaryTypes(String.class)
                .arity("1..*")
                .required(true)
                .description(
                        "A reference of an upstream, or http(s)://host/name:tag (or @digest); or the volumes of a bundle and"
                                + " the name of an image in it, and the sender's key.")
                .build());
        return BundleCommandLine.withTrust(spec);
    }

    private static CommandSpec runs() {
        return onData("Show the last runs, or the report of one.")
                .addOption(OptionSpec.builder(IMPORTS)
                        .type(boolean.class)
                        .description("The runs of \"entrepot import\", which have numbers of their own.")
                        .build())
                .addOption(OptionSpec.builder(EXPORTS)
                        .type(boolean.class)
                        .description("The runs of \"entrepot export\", which have numbers of their own.")
                        .build())
                .addPositional(PositionalParamSpec.builder()
                        .index("0")
                        .paramLabel("RUN")
                        .type(Long.class)
                        .arity("0..1")
                        .description("The number of a run.")
                        .build());
    }

    /** A command on a data folder, with the options that all of those have. */
    static CommandSpec onData(String description) {
        return command(description)
                .addOption(OptionSpec.builder(DATA)
                        .paramLabel("FOLDER")
                        .type(Path.class)
                        .description("The data folder, whatever the configuration says.")
                        .build());
    }

    /**
     * Where, of a data folder, the journal of the runs is that are meant.
     *
     * @throws BadRequestException if two are
     */
    static UnaryOperator<Path> journalOf(ParseResult command) throws BadRequestException {
        boolean exports = command.hasMatchedOption(EXPORTS);
        if (!command.hasMatchedOption(IMPORTS)) {
            return exports ? ExportRuns::of : UnaryOperator.identity();
        }
        if (exports) {
            throw new BadRequestException(IMPORTS + " and " + EXPORTS + " have numbers of their own; name one of them");
        }
        return ImportFolder::of;
    }

    private static CommandSpec command(String description) {
        CommandSpec spec = CommandLineSpec.command(description)
                .addOption(CommandLineSpec.configOption())
                .addOption(OptionSpec.builder(JSON)
                        .type(boolean.class)
                        .description("Answer in JSON.")
                        .build());
        spec.usageMessage().footer("", RUN_CODES);
        return spec;
    }

    /** A parameter that must be given. */
    static PositionalParamSpec parameter(int index, String label, String description) {
        return PositionalParamSpec.builder()
                .index(Integer.toString(index))
                .paramLabel(label)
                .type(String.class)
                .arity("1")
                .required(true)
                .description(description)
                .build();
    }
}
