package dev.entrepot.proxy;

import dev.entrepot.config.InvalidValueException;
import dev.entrepot.config.ListenAddress;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;
import picocli.CommandLine.TypeConversionException;

/** Which commands and options there are. */
final class CommandLineSpec {
    /** The command that shows help, as {@code --help} behind another one does. */
    private static final String HELP = "help";
    /** The last lines of the help of commands that either do what they are asked to, or do not. */
    static final String CODES = "Exit codes: 0 done, 1 failed, 2 wrong usage, 78 wrong configuration.";

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
            ClientConfigCommand::addTo,
            spec -> spec.addSubcommand(HELP, help()));

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

    /** The arguments, with {@code help COMMAND} as {@code COMMAND --help}, if there is such a command. */
    static String[] withoutHelp(String... arguments) {
        if (arguments.length == 0 || !arguments[0].equals(HELP)) {
            return arguments;
        }
        List<String> command = List.of(arguments).subList(1, arguments.length);
        return isCommand(command)
                ? Stream.concat(command.stream(), Stream.of("--help")).toArray(String[]::new)
                : arguments;
    }

    private static boolean isCommand(List<String> names) {
        CommandSpec spec = of(names);
        for (String name : names) {
            CommandLine next = spec.subcommands().get(name);
            if (next == null) {
                return false;
            }
            spec = next.getCommandSpec();
        }
        return true;
    }

    private static CommandSpec help() {
        return command("Show what a command does and which options it has.")
                .addPositional(PositionalParamSpec.builder()
                        .index("0..*")
                        .paramLabel("COMMAND")
                        .type(String[].class)
                        .description("The command, for example cache warm; without it all commands are shown.")
                        .build());
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
        CommandSpec check = command("Check the configuration and name everything that is wrong with it.")
                .addOption(configOption());
        check.usageMessage().footer("", "Exit codes: 0 nothing is wrong, 78 something is, 1 failed, 2 wrong usage.");
        CommandSpec show = command("Show the configuration in effect, and where each value comes from.")
                .addOption(configOption());
        show.usageMessage().footer("", CODES);
        return command("Look at the configuration.")
                .addSubcommand("check", check)
                .addSubcommand("show", show);
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
