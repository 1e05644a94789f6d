package dev.entrepot.proxy;

import dev.entrepot.cache.ContentStore;
import dev.entrepot.config.EntrepotConfig;
import dev.entrepot.config.UpstreamConfig;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.oci.client.RegistryClient;
import dev.entrepot.proxy.replication.BadRequestException;
import dev.entrepot.proxy.replication.RunningServer;
import dev.entrepot.proxy.rules.RuleSet;
import dev.entrepot.proxy.upstreams.UpstreamReport;
import dev.entrepot.proxy.upstreams.UpstreamSurvey;
import dev.entrepot.proxy.upstreams.UpstreamsApi;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParseResult;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * {@code entrepot upstreams}: how the upstreams are. A server that has the data folder open is asked what it knows;
 * without one they are asked themselves.
 */
final class UpstreamsCommand {
    private static final String CHECK = "--check";
    private static final String MOUNTS = "--mounts";

    private final EntrepotConfig config;
    private final ClientEnvironment environment;
    private final PrintStream out;
    private final PrintStream err;

    /**
     * The command of a configuration.
     *
     * @param out where the answer goes
     * @param err where it is said who is asked
     */
    UpstreamsCommand(EntrepotConfig config, ClientEnvironment environment, PrintStream out, PrintStream err) {
        this.config = config;
        this.environment = environment;
        this.out = out;
        this.err = err;
    }

    /** How it is called. */
    static CommandSpec spec() {
        CommandSpec spec = CommandLineSpec.command(
                        "Show of each upstream whether it answers and takes the credentials, what is left of its pull quota, and its"
                                + " last error.")
                .addOption(CommandLineSpec.configOption())
                .addOption(OptionSpec.builder(ReplicationCommandLine.DATA)
                        .paramLabel("FOLDER")
                        .type(Path.class)
                        .description("The data folder, whatever the configuration says.")
                        .build())
                .addOption(OptionSpec.builder(CHECK)
                        .type(boolean.class)
                        .description("Ask each upstream now. Without a running server they always are.")
                        .build())
                .addOption(OptionSpec.builder(MOUNTS)
                        .type(boolean.class)
                        .description(
                                "Ask each upstream now, and also whether it mounts blobs: by a POST that mounts a blob that a repository has from"
                                        + " that repository itself. It wants the right to push, and changes nothing where it works; an"
                                        + " upload session that is opened instead is deleted. Never asked without this option.")
                        .build())
                .addOption(OptionSpec.builder(ReplicationCommandLine.JSON)
                        .type(boolean.class)
                        .description("Answer in JSON.")
                        .build());
        spec.usageMessage()
                .footer(
                        "",
                        "Exit codes: 0 all are well, 3 one is not, 1 failed, 2 wrong usage, 78 wrong configuration.");
        return spec;
    }

    /** Runs it and returns its exit code. */
    int run(ParseResult command) throws IOException, BadRequestException, InterruptedException {
        boolean json = command.hasMatchedOption(ReplicationCommandLine.JSON);
        boolean mounts = command.hasMatchedOption(MOUNTS);
        Optional<RunningServer> server = RunningServer.find(config.cache().directory());
        if (server.isEmpty()) {
            UpstreamReport report = own(mounts);
            return show(report.json(), report.text(), json);
        }
        try (RunningServer found = server.get()) {
            err.println("asking the server at " + found.url());
            JsonNode answer = mounts || command.hasMatchedOption(CHECK)
                    ? found.post(UpstreamsApi.PATH, mounts ? UpstreamsApi.CHECK_WITH_MOUNTS : UpstreamsApi.CHECK)
                    : found.get(UpstreamsApi.PATH);
            String text = answer.path("text").asString("");
            if (answer instanceof ObjectNode object) {
                object.remove("text");
            }
            return show(answer, text, json);
        }
    }

    private UpstreamReport own(boolean mounts) throws IOException, InterruptedException {
        Optional<UpstreamReport> kept = byWhatIsKept(mounts);
        if (kept.isPresent()) {
            return kept.get();
        }
        try (Closings closings = new Closings()) {
            Map<RegistryHost, RegistryClient> clients = new LinkedHashMap<>();
            for (UpstreamConfig upstream : config.upstreams().values()) {
                Upstream opened = Upstream.open(upstream, false, environment);
                closings.push(opened::close);
                clients.put(upstream.name(), opened.client());
            }
            NamedSamples named = new NamedSamples(config, RuleSet.of(config));
            return checked(new UpstreamSurvey(clients, named::of, List.of()), mounts);
        }
    }

    private static UpstreamReport checked(UpstreamSurvey survey, boolean mounts) throws InterruptedException {
        return mounts ? survey.checkWithMounts() : survey.check();
    }

    // What is kept is the best to ask for. No store is made to have it, nor waited for where it is in use.
    private Optional<UpstreamReport> byWhatIsKept(boolean mounts) throws InterruptedException {
        if (!ContentStore.exists(config.cache().directory())) {
            return Optional.empty();
        }
        try (Closings closings = new Closings()) {
            OpenedCache cache = LookedAt.open(config, environment, closings);
            return Optional.of(checked(cache.survey(List.of()), mounts));
        } catch (IOException e) {
            err.println("what is kept cannot be looked at: " + FailureWords.of(e));
            return Optional.empty();
        }
    }

    private int show(JsonNode answer, String text, boolean json) {
        out.print(json ? answer + "\n" : text);
        return answer.path("well").asBoolean(false) ? ExitCodes.OK : ExitCodes.PARTLY;
    }
}
