package dev.entrepot.proxy;

import dev.entrepot.config.EntrepotConfig;
import dev.entrepot.config.LoadedConfig;
import dev.entrepot.oci.InvalidNameException;
import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.proxy.access.AnonymousPulls;
import dev.entrepot.proxy.replication.BadRequestException;
import dev.entrepot.proxy.replication.RunningServer;
import dev.entrepot.proxy.replication.UserInName;
import dev.entrepot.proxy.rules.Explainer;
import dev.entrepot.proxy.rules.ExplanationText;
import dev.entrepot.proxy.rules.RuleSet;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;
import tools.jackson.databind.JsonNode;

/**
 * {@code entrepot explain REF}: what is kept of an image, which rule decides what, and what a request would get. Where
 * a server has the data folder open, it is asked; else the folder is read here. No upstream is asked.
 */
final class ExplainCommand {
    private final LoadedConfig loaded;
    private final EntrepotConfig config;
    private final ClientEnvironment environment;
    private final PrintStream out;

    /**
     * The command of a configuration.
     *
     * @param loaded the configuration as it was loaded
     * @param data where the data are, whatever it says
     * @param out where answers go
     */
    ExplainCommand(LoadedConfig loaded, Optional<Path> data, ClientEnvironment environment, PrintStream out) {
        this.loaded = loaded;
        this.config = ServeCommand.overridden(loaded.config(), data);
        this.environment = environment;
        this.out = out;
    }

    /** Adds the command. */
    static void addTo(CommandSpec entrepot) {
        CommandSpec spec = CommandLineSpec.command(
                        "Show what is kept of an image, which rule decides what, and what a request would get now.")
                .addOption(CommandLineSpec.configOption())
                .addOption(OptionSpec.builder(ReplicationCommandLine.DATA)
                        .paramLabel("FOLDER")
                        .type(Path.class)
                        .description("The data folder, whatever the configuration says.")
                        .build())
                .addOption(OptionSpec.builder(ReplicationCommandLine.JSON)
                        .type(boolean.class)
                        .description("Answer in JSON.")
                        .build())
                .addPositional(PositionalParamSpec.builder()
                        .index("0")
                        .paramLabel("REF")
                        .type(String.class)
                        .arity("1")
                        .required(true)
                        .description("A reference of an upstream, for example docker.io/library/alpine:3.20.")
                        .build());
        spec.usageMessage()
                .footer(
                        "",
                        "Exit codes: 0 explained, whatever a request would get, 1 failed, 2 wrong usage or no such upstream,"
                                + " 78 wrong configuration.");
        entrepot.addSubcommand("explain", spec);
    }

    /** Explains a reference. */
    int run(String reference, boolean json) throws IOException, BadRequestException, InterruptedException {
        JsonNode explanation = explain(reference);
        out.print(json ? explanation + "\n" : ExplanationText.of(explanation));
        return ExitCodes.OK;
    }

    private JsonNode explain(String reference) throws IOException, BadRequestException, InterruptedException {
        UserInName.refuse(reference);
        Optional<RunningServer> server = RunningServer.find(config.cache().directory());
        if (server.isPresent()) {
            try (RunningServer running = server.get()) {
                return running.explain(reference);
            }
        }
        try (Closings closings = new Closings()) {
            OpenedCache cache = LookedAt.open(config, environment, closings);
            RuleSet rules = RuleSet.of(config, loaded::originOf);
            cache.rules().replace(rules);
            AnonymousPulls access = new AnonymousPulls(config.server(), config.access(), rules::where);
            return cache.explainer(() -> access)
                    .explain(reference)
                    .orElseThrow(() -> new BadRequestException(Explainer.noUpstream(reference)));
        } catch (InvalidNameException e) {
            throw new BadRequestException(String.valueOf(e.getMessage()));
        }
    }
}
