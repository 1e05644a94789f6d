package dev.entrepot.proxy;

import dev.entrepot.config.InvalidValueException;
import dev.entrepot.config.ListenAddress;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.TypeConversionException;

/** Which commands and options there are. */
final class CommandLineSpec {
    // The server first: it is the command whose start counts.
    private static final List<Consumer<CommandSpec>> GROUPS = List.of(
            spec -> spec.addSubcommand("serve", BundleCommandLine.withBundle(serve())),
            spec -> spec.addSubcommand("config", config()),
            spec -> spec.addSubcommand("upstreams", UpstreamsCommand.spec()),
            ExplainCommand::addTo,
            ReplicationCommandLine::addTo,
            CacheCommandLine::addTo,
            BundleCommandLine::addTo,
            ExportCommandLine::addTo,
            ClientConfigCommand::addTo);

    private CommandLineSpec() {}

    /**
     * The command line for some arguments: with all commands, or, where the first argument is the name of a command,
     * with as many as it takes to have that one. Whoever asks for a command sees nothing of the others, and building
     * them all takes a tenth of a second.
     */
    static CommandSpec of(List<String> arguments) {
        CommandSpec spec = command("An OCI registry mirror: pull-through cache and replication engine in one process.")
                .name("entrepot");
        spec.usageMessage()
                .footer("", "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 partly done, 78 wrong configuration.");
        for (Consumer<CommandSpec> group : GROUPS) {
            group.accept(spec);
            if (!arguments.isEmpty() && spec.subcommands().containsKey(arguments.getFirst())) {
                break;
            }
        }
        return spec;
    }

    private static CommandSpec serve() {
        CommandSpec spec = command("Serve the registry API until stopped by SIGTERM or SIGINT.");
        spec.usageMessage()
                .footer(
                        "",
                        "Exit codes: 143 stopped by SIGTERM, or 130 by SIGINT, after the drain, which is how it is meant to end;"
                                + " 1 failed, 2 wrong usage, 78 wrong configuration.");
        return spec.addOption(configOption())
                .addOption(OptionSpec.builder("--listen")
                        .paramLabel("HOST:PORT")
                        .type(ListenAddress.class)
                        .converters((ITypeConverter<ListenAddress>) CommandLineSpec::address)
                        .description("Listen here, whatever the configuration says.")
                        .build())
                .addOption(OptionSpec.builder("--data")
                        .paramLabel("FOLDER")
                        .type(Path.class)
                        .description("Keep the data here, whatever the configuration says.")
                        .build());
    }

    /** A path that says something: what comes of a variable that is not set would be the working directory. */
    static Path path(String text) {
        if (text.isBlank()) {
            throw new TypeConversionException("expected a path, and it is empty; is a variable not set?");
        }
        try {
            return Path.of(text);
        } catch (InvalidPathException e) {
            throw new TypeConversionException("expected a path: " + e.getMessage());
        }
    }

    private static ListenAddress address(String text) {
        try {
            return ListenAddress.parse(text);
        } catch (InvalidValueException e) {
            throw new TypeConversionException("expected " + e.allowed());
        }
    }

    private static CommandSpec config() {
        return command("Look at the configuration.")
                .addSubcommand(
                        "check",
                        command("Check the configuration and name everything that is wrong with it.")
                                .addOption(configOption()))
                .addSubcommand(
                        "show",
                        command("Show the configuration in effect, and where each value comes from.")
                                .addOption(configOption()));
    }

    /** A command with what all commands have. */
    static CommandSpec command(String description) {
        // Not picocli's own two, which it takes from an annotated class, by reflection.
        CommandSpec spec = CommandSpec.create()
                .addOption(OptionSpec.builder("-h", "--help")
                        .usageHelp(true)
                        .description("Show this help message and exit.")
                        .build())
                .addOption(OptionSpec.builder("-V", "--version")
                        .versionHelp(true)
                        .description("Print version information and exit.")
                        .build())
                .version("entrepot " + Version.current());
        spec.usageMessage().description(description);
        return spec;
    }

    /** The option for the configuration. */
    static OptionSpec configOption() {
        return OptionSpec.builder("--config")
                .paramLabel("FILE")
                .type(Path.class)
                .description("The configuration; without it ./entrepot.yaml if it is there, else defaults.")
                .build();
    }
}
