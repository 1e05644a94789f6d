package dev.entrepot.proxy;

import dev.entrepot.config.EntrepotConfig;
import dev.entrepot.config.UpstreamConfig;
import dev.entrepot.oci.InvalidNameException;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.Platform;
import dev.entrepot.oci.Reference;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.proxy.replication.BadRequestException;
import dev.entrepot.proxy.replication.ProgressPrinter;
import dev.entrepot.proxy.replication.RunningServer;
import dev.entrepot.proxy.warm.LoggedPulls;
import dev.entrepot.proxy.warm.WarmList;
import dev.entrepot.proxy.warm.WarmListReader;
import dev.entrepot.proxy.warm.WarmReport;
import dev.entrepot.proxy.warm.WarmRequests;
import dev.entrepot.proxy.warm.WarmRun;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.TypeConversionException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;

/**
 * {@code entrepot cache warm}: brings images into the cache. Where a server has the data folder open it is asked to do
 * it; else it is done here. Answers go to standard output, how far it is to standard error.
 */
final class WarmCommand {
    private static final String DATA = "--data";
    private static final String JSON = "--json";
    private static final String PLATFORM = "--platform";
    private static final String NO_REFERRERS = "--no-referrers";
    private static final String TOP = "--top";
    private static final String DRY_RUN = "--dry-run";
    private static final Duration BETWEEN_LOOKS = Duration.ofMillis(250);

    private final EntrepotConfig config;
    private final ClientEnvironment environment;
    private final PrintStream out;
    private final PrintStream err;
    private final boolean terminal;

    /**
     * The command of a configuration.
     *
     * @param out where answers go
     * @param err where progress goes
     * @param terminal whether {@code err} is a terminal
     */
    WarmCommand(
            EntrepotConfig config, ClientEnvironment environment, PrintStream out, PrintStream err, boolean terminal) {
        this.config = config;
        this.environment = environment;
        this.out = out;
        this.err = err;
        this.terminal = terminal;
    }

    /** How it is called. */
    static CommandSpec spec() {
        CommandSpec spec = CommandLineSpec.command(
                        "Bring images into the cache: from a list of references, one in a line, from what \"kubectl get pods"
                                + " -A -o json\" prints, or from the access log of this program.")
                .addOption(CommandLineSpec.configOption())
                .addOption(OptionSpec.builder(DATA)
                        .paramLabel("FOLDER")
                        .type(Path.class)
                        .description("The data folder, whatever the configuration says.")
                        .build())
                .addOption(OptionSpec.builder(PLATFORM)
                        .paramLabel("OS/ARCH")
                        .arity("1")
                        .type(List.class)
                        .auxiliaryTypes(Platform.class)
                        .converters((ITypeConverter<Platform>) WarmCommand::platform)
                        .description(
                                "A platform that is wanted; may be repeated. Without it, those of cache.platforms, or all.")
                        .build())
                .addOption(OptionSpec.builder(NO_REFERRERS)
                        .type(boolean.class)
                        .description("Leave out signatures, SBOMs and what else refers to the images.")
                        .build())
                .addOption(OptionSpec.builder(TOP)
                        .paramLabel("N")
                        .type(int.class)
                        .defaultValue(Integer.toString(WarmList.MAX_IMAGES))
                        .description("Only the images that are named most often.")
                        .build())
                .addOption(OptionSpec.builder(DRY_RUN)
                        .type(boolean.class)
                        .description("Only say which images were found.")
                        .build())
                .addOption(OptionSpec.builder(JSON)
                        .type(boolean.class)
                        .description("Answer in JSON.")
                        .build())
                .addPositional(PositionalParamSpec.builder()
                        .index("0")
                        .paramLabel("FILE")
                        .type(String.class)
                        .arity("1")
                        .required(true)
                        .description("The file, or - for standard input.")
                        .build());
        spec.usageMessage()
                .footer(
                        "",
                        "  kubectl get pods -A -o json | entrepot cache warm --platform linux/amd64 -",
                        "",
                        "Exit codes: 0 all is in the cache, 3 some is missing, 1 failed or no image is whole, 2 wrong usage,"
                                + " 78 wrong configuration.");
        return spec;
    }

    private static Platform platform(String text) {
        try {
            return Platform.parse(text);
        } catch (InvalidNameException e) {
            throw new TypeConversionException("expected os/architecture, for example linux/arm64");
        }
    }

    /**
     * Runs it and returns its exit code.
     *
     * @param folder what a relative file starts from
     * @param in standard input
     */
    int run(ParseResult command, Path folder, InputStream in)
            throws IOException, BadRequestException, InterruptedException {
        int top = command.matchedOptionValue(TOP, WarmList.MAX_IMAGES);
        if (top < 1) {
            throw new BadRequestException(TOP + " " + top + ": expected 1 or more");
        }
        String file = command.matchedPositionalValue(0, "-");
        WarmList list = read(file, folder, in);
        list.unread().forEach(line -> err.println("entrepot: " + file + ", " + line));
        if (list.unreadMore() > 0) {
            err.println("entrepot: " + file + ": and " + list.unreadMore() + " more that are no images");
        }
        List<Reference> images = list.top(top);
        if (command.hasMatchedOption(DRY_RUN)) {
            if (command.hasMatchedOption(JSON)) {
                ArrayNode found = OciJson.mapper().createArrayNode();
                images.forEach(image -> found.add(image.toString()));
                out.println(OciJson.mapper().createObjectNode().set("images", found));
            } else {
                images.forEach(out::println);
            }
            return list.unread().isEmpty() ? ExitCodes.OK : ExitCodes.PARTLY;
        }
        if (images.isEmpty()) {
            err.println("entrepot: " + file + " names no image");
            return ExitCodes.FAILURE;
        }
        WarmReport report = warm(new WarmRequests(
                images,
                command.matchedOptionValue(PLATFORM, config.cache().platforms()),
                !command.hasMatchedOption(NO_REFERRERS)));
        out.print(command.hasMatchedOption(JSON) ? report.toJson() + "\n" : report.toText());
        boolean all = list.unread().isEmpty() && report.complete() == images.size();
        return all ? ExitCodes.OK : report.complete() == 0 ? ExitCodes.FAILURE : ExitCodes.PARTLY;
    }

    private WarmList read(String file, Path folder, InputStream in) throws IOException, BadRequestException {
        WarmListReader reader = new WarmListReader(new LoggedPulls(prefixes()));
        if (file.equals("-")) {
            return reader.read(in);
        }
        Path path = folder.resolve(file);
        if (Files.isDirectory(path)) {
            throw new BadRequestException(path + " is a folder; name a file, or - for standard input");
        }
        try (InputStream input = Files.newInputStream(path)) {
            return reader.read(input);
        }
    }

    private Map<RegistryHost, List<String>> prefixes() {
        Map<RegistryHost, List<String>> prefixes = new LinkedHashMap<>();
        for (UpstreamConfig upstream : config.upstreams().values()) {
            prefixes.put(upstream.name(), upstream.aliases());
        }
        return prefixes;
    }

    private WarmReport warm(WarmRequests requests) throws IOException, BadRequestException, InterruptedException {
        try (Closings closings = new Closings()) {
            Path directory = config.cache().directory();
            Optional<RunningServer> server = RunningServer.find(directory);
            if (server.isPresent()) {
                closings.push(server.get()::close);
                err.println("asking the server at " + server.get().url() + ", which has " + directory + " open");
                AtomicReference<String> line = new AtomicReference<>("");
                show(closings, () -> Objects.requireNonNullElse(line.get(), ""));
                return ask(server.get(), requests, line);
            }
            OpenedCache cache = new OpenedCache(config, environment);
            closings.push(cache::close);
            WarmRun run = new WarmRun(cache.filler(), requests.toFill());
            show(closings, run::progress);
            return run.run();
        }
    }

    private void show(Closings closings, Supplier<String> progress) {
        closings.push(new ProgressPrinter(err, terminal, progress)::close);
    }

    private static WarmReport ask(RunningServer server, WarmRequests requests, AtomicReference<String> line)
            throws IOException, BadRequestException, InterruptedException {
        List<WarmReport> reports = new ArrayList<>();
        for (WarmRequests part : requests.parts()) {
            String url = server.post("/cache/warm", part.toJson()).path("url").asString("");
            @Nullable JsonNode report = null;
            while (report == null) {
                JsonNode state = server.get(url);
                line.set(state.path("progress").asString(""));
                report = state.get("report");
                if (report == null && !state.path("state").asString("").equals("running")) {
                    throw new IOException("the server at " + server.url() + " was stopped before all was warmed;"
                            + " run this again: what has come is kept");
                }
                if (report == null) {
                    Thread.sleep(BETWEEN_LOOKS);
                }
            }
            reports.add(WarmReport.read(report));
        }
        return WarmReport.joined(reports);
    }
}
