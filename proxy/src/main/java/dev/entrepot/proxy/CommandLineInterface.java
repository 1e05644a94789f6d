package dev.entrepot.proxy;

import dev.entrepot.cache.CacheIndex;
import dev.entrepot.cache.ContentStore;
import dev.entrepot.config.AccessChecks;
import dev.entrepot.config.ConfigException;
import dev.entrepot.config.ConfigLoader;
import dev.entrepot.config.ConfigPrinter;
import dev.entrepot.config.CostlyPatterns;
import dev.entrepot.config.DataFolders;
import dev.entrepot.config.EntrepotConfig;
import dev.entrepot.config.ListenAddress;
import dev.entrepot.config.LoadedConfig;
import dev.entrepot.config.LogConfig;
import dev.entrepot.config.RegistriesInNames;
import dev.entrepot.config.UpstreamNames;
import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.proxy.http.WebServers;
import dev.entrepot.proxy.replication.BadRequestException;
import dev.entrepot.proxy.replication.ImportTargets;
import dev.entrepot.proxy.replication.LayoutName;
import dev.entrepot.proxy.replication.RunningServer;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.UnmatchedArgumentException;

/** The command line: what runs for each command of {@link CommandLineSpec}. */
final class CommandLineInterface {
    private final InputStream in;
    private final PrintStream out;
    private final PrintStream err;
    private final OutputStream requests;
    private final Path workingDirectory;
    private final Map<String, String> environment;
    private final ServeCommand.Stop stop;
    private final boolean terminal;
    private final Consumer<LogConfig> log;

    /**
     * A command line.
     *
     * @param in standard input
     * @param out where answers go, and the access log
     * @param err where complaints go
     * @param workingDirectory what relative paths start from
     * @param environment the environment variables
     * @param stop how long {@code serve} serves
     * @param terminal whether somebody watches {@code err} on a terminal
     */
    CommandLineInterface(
            InputStream in,
            PrintStream out,
            PrintStream err,
            Path workingDirectory,
            Map<String, String> environment,
            ServeCommand.Stop stop,
            boolean terminal) {
        this(in, out, err, out, workingDirectory, environment, stop, terminal, _ -> {});
    }

    /**
     * As above.
     *
     * @param requests where the access log goes; unlike {@code out} it says what it could not write
     * @param log is told how a server's events are to be written
     */
    CommandLineInterface(
            InputStream in,
            PrintStream out,
            PrintStream err,
            OutputStream requests,
            Path workingDirectory,
            Map<String, String> environment,
            ServeCommand.Stop stop,
            boolean terminal,
            Consumer<LogConfig> log) {
        this.in = in;
        this.out = out;
        this.requests = requests;
        this.err = err;
        this.workingDirectory = workingDirectory;
        this.environment = environment;
        this.stop = stop;
        this.terminal = terminal;
        this.log = log;
    }

    /** Runs a command and returns its exit code. */
    int run(String... given) {
        String[] arguments = CommandLineSpec.withoutHelp(given);
        // While the command line and the configuration are read.
        switch (arguments.length > 0 ? arguments[0] : "") {
            case "serve" -> {
                WebServers.prepare();
                CacheIndex.prepare();
            }
            case "sync", "copy" -> CacheIndex.prepare();
            default -> {}
        }
        return new CommandLine(CommandLineSpec.of(List.of(arguments)))
                .registerConverter(Path.class, CommandLineSpec::path)
                .setOut(new PrintWriter(out, true, StandardCharsets.UTF_8))
                .setErr(new PrintWriter(err, true, StandardCharsets.UTF_8))
                .setExecutionStrategy(this::execute)
                .setParameterExceptionHandler((wrong, _) -> refuse(wrong))
                .execute(arguments);
    }

    // Without the help, behind which nobody finds what is wrong.
    private static int refuse(ParameterException wrong) {
        CommandLine command = wrong.getCommandLine();
        PrintWriter err = command.getErr();
        err.println(wrong.getMessage());
        UnmatchedArgumentException.printSuggestions(wrong, err);
        CommandLine.Help help = command.getHelp();
        err.print(help.synopsisHeading() + help.synopsis(help.synopsisHeadingLength()));
        err.println(command.getCommandSpec().qualifiedName() + " --help says more");
        return ExitCodes.USAGE;
    }

    private int execute(ParseResult parsed) {
        for (CommandLine one : parsed.asCommandLineList()) {
            if (one.isUsageHelpRequested()) {
                out.print(HelpText.of(one));
                return ExitCodes.OK;
            }
        }
        Integer version = CommandLine.executeHelpRequest(parsed);
        if (version != null) {
            return version;
        }
        ParseResult command = parsed;
        while (command.hasSubcommand()) {
            command = command.subcommand();
        }
        try {
            return switch (command.commandSpec().qualifiedName()) {
                case "entrepot serve" -> serve(command);
                case "entrepot config check" -> check(load(command));
                case "entrepot config show" -> show(load(command));
                case "entrepot explain" -> explain(command, looked(command)).run(text(command, 0), json(command));
                case "entrepot client-config" ->
                    ClientConfigCommand.run(command, load(command).config(), workingDirectory, out, err);
                case "entrepot plan" ->
                    replication(command).plan(text(command, 0), ReplicationCommandLine.verify(command), json(command));
                case "entrepot sync" ->
                    replication(command).sync(text(command, 0), ReplicationCommandLine.verify(command), json(command));
                case "entrepot copy" -> copy(command);
                case "entrepot tree" -> tree(command);
                case "entrepot verify" -> bundles().verify(given(command), client(), json(command));
                case "entrepot ls" -> bundles().list(given(command), json(command));
                case "entrepot import" -> imports(command);
                case "entrepot receipt" -> receipt(command);
                case "entrepot upstreams" -> upstreams(command);
                case "entrepot runs" ->
                    // A data folder that is named has all that is needed.
                    replication((data(command).isPresent() ? load(command) : looked(command)).config(), data(command))
                            .runs(number(command), ReplicationCommandLine.journalOf(command), json(command));
                case "entrepot export" -> export(command);
                case "entrepot cache warm" -> warm(command);
                case String name when name.startsWith(CacheCommandLine.PREFIX) -> cache(command);
                case "entrepot help" -> {
                    err.println("there is no such command; entrepot help shows which there are");
                    yield ExitCodes.USAGE;
                }
                default -> {
                    err.print(HelpText.of(command.commandSpec().commandLine()));
                    yield ExitCodes.USAGE;
                }
            };
        } catch (ConfigException | BadRequestException | IOException | RuntimeException e) {
            complain(e);
            return ExitCodes.of(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return ExitCodes.FAILURE;
        }
    }

    private int serve(ParseResult command)
            throws ConfigException, IOException, BadRequestException, InterruptedException {
        Optional<ListenAddress> listen = Optional.ofNullable(command.matchedOptionValue("--listen", null));
        Optional<Path> named = Optional.ofNullable(command.matchedOptionValue("--config", null));
        ConfigFile file = new ConfigFile(named, workingDirectory, environment).withData(dataFolders(command));
        if (command.hasMatchedOption(BundleCommandLine.BUNDLE)) {
            LoadedConfig loaded = load(command);
            EntrepotConfig config = ServeCommand.overridden(
                    loaded.config(), file.withListen(listen).server(loaded.config()), Optional.empty());
            log.accept(config.server().log());
            return ServeCommand.serve(config, loaded::originOf, bundles().open(given(command)), requests, stop);
        }
        for (String option : List.of(BundleCommandLine.TRUST, BundleCommandLine.UNSIGNED)) {
            if (command.hasMatchedOption(option)) {
                throw new BadRequestException(option + " goes with " + BundleCommandLine.BUNDLE);
            }
        }
        LoadedConfig loaded = load(command);
        log.accept(loaded.config().server().log());
        return new ServeCommand(loaded, file, listen, data(command), environment).run(requests, stop);
    }

    private Optional<Path> data(ParseResult command) {
        return command.commandSpec().findOption(ReplicationCommandLine.DATA) == null
                ? Optional.empty()
                : Optional.<Path>ofNullable(command.matchedOptionValue(ReplicationCommandLine.DATA, null))
                        .map(workingDirectory::resolve);
    }

    private DataFolders dataFolders(ParseResult command) {
        return WrittenPaths.folders(data(command));
    }

    private ExplainCommand explain(ParseResult command, LoadedConfig loaded) {
        return new ExplainCommand(
                loaded,
                data(command),
                ClientEnvironment.system(Version.current()).withVariables(environment),
                out);
    }

    private ReplicationCommands replication(ParseResult command) throws ConfigException {
        return replication(load(command).config(), data(command));
    }

    private ReplicationCommands replication(EntrepotConfig config, Optional<Path> data) {
        return new ReplicationCommands(
                ServeCommand.overridden(config, data),
                ClientEnvironment.system(Version.current()).withVariables(environment),
                out,
                err,
                terminal);
    }

    private int copy(ParseResult command)
            throws ConfigException, IOException, BadRequestException, InterruptedException {
        EntrepotConfig config = load(command).config();
        String target = image(command, 1);
        Optional<Path> written = LayoutName.pathOf(target);
        if (written.isPresent()) {
            WrittenPaths.of(config, data(command)).layout(ReplicationCommandLine.TARGET, written.get());
        }
        return replication(config, data(command))
                .copy(image(command, 0), target, ReplicationCommandLine.verify(command), json(command));
    }

    private int warm(ParseResult command)
            throws ConfigException, IOException, BadRequestException, InterruptedException {
        return new WarmCommand(
                        ServeCommand.overridden(load(command).config(), data(command)),
                        ClientEnvironment.system(Version.current()).withVariables(environment),
                        out,
                        err,
                        terminal)
                .run(command, workingDirectory, in);
    }

    private int cache(ParseResult command)
            throws ConfigException, BadRequestException, IOException, InterruptedException {
        EntrepotConfig config = ServeCommand.overridden(load(command).config(), data(command));
        ClientEnvironment clients = ClientEnvironment.system(Version.current()).withVariables(environment);
        CacheCommandLine.check(command);
        return new CacheCommands(config, clients, out, err)
                .run(command.commandSpec().name(), CacheCommandLine.arguments(command), json(command));
    }

    private int tree(ParseResult command)
            throws ConfigException, IOException, BadRequestException, InterruptedException {
        BundleCommands.Given given = given(command);
        List<String> names = given.volumes();
        if (names.size() == 1 && given.trust().isEmpty() && !given.unsigned()) {
            return replication(command).tree(names.getFirst(), json(command));
        }
        BundleCommands.Given bundle =
                new BundleCommands.Given(names.subList(0, names.size() - 1), given.trust(), given.unsigned());
        return bundles().tree(bundle, names.getLast(), json(command));
    }

    private int receipt(ParseResult command) throws ConfigException, IOException, BadRequestException {
        String[] none = {};
        BundleCommands.Import wanted = BundleCommandLine.wanted(command);
        EntrepotConfig config = load(command).config();
        EntrepotConfig used = written(config, command);
        checkReceipt(wanted, WrittenPaths.of(config, data(command)));
        return bundles()
                .receipt(
                        List.of(command.matchedPositionalValue(0, none)),
                        wanted,
                        command.hasMatchedOption(BundleCommandLine.UNSIGNED),
                        used,
                        client());
    }

    private int imports(ParseResult command) throws ConfigException, IOException, BadRequestException {
        BundleCommands.Import wanted = BundleCommandLine.wanted(command);
        EntrepotConfig config = load(command).config();
        EntrepotConfig used = written(config, command);
        WrittenPaths written = WrittenPaths.of(config, data(command));
        Optional<Path> layout = ImportTargets.layout(wanted.to(), workingDirectory);
        if (layout.isPresent()) {
            written.layout(BundleCommandLine.TO, layout.get());
        }
        checkReceipt(wanted, written);
        return bundles().imports(given(command), wanted, used, client(), json(command));
    }

    // With the data folder of the command, of those that write there without opening the store.
    private EntrepotConfig written(EntrepotConfig config, ParseResult command) throws IOException {
        EntrepotConfig used = looked(config, command);
        ContentStore.refuseForeign(used.cache().directory());
        return used;
    }

    // As above, of one that would write there if it were not only to be known what.
    private EntrepotConfig looked(EntrepotConfig config, ParseResult command) throws IOException {
        EntrepotConfig used = ServeCommand.overridden(config, data(command));
        ContentStore.refuseNested(used.cache().directory());
        return used;
    }

    private void checkReceipt(BundleCommands.Import wanted, WrittenPaths written) throws BadRequestException {
        if (wanted.receipt().isPresent()) {
            written.file(
                    BundleCommandLine.RECEIPT,
                    workingDirectory.resolve(wanted.receipt().get()));
        }
    }

    private BundleCommands bundles() {
        return new BundleCommands(out, err, workingDirectory, terminal);
    }

    private ClientEnvironment client() {
        return ClientEnvironment.system(Version.current()).withVariables(environment);
    }

    private static BundleCommands.Given given(ParseResult command) {
        String[] none = {};
        List<String> volumes = command.hasMatchedOption(BundleCommandLine.BUNDLE)
                ? texts(command, BundleCommandLine.BUNDLE)
                : List.of(command.matchedPositionalValue(0, none));
        return new BundleCommands.Given(
                volumes, texts(command, BundleCommandLine.TRUST), command.hasMatchedOption(BundleCommandLine.UNSIGNED));
    }

    private static List<String> texts(ParseResult command, String option) {
        String[] none = {};
        return List.of(command.matchedOptionValue(option, none));
    }

    private int export(ParseResult command)
            throws ConfigException, BadRequestException, IOException, InterruptedException {
        ExportRequest request = ExportCommandLine.request(command, workingDirectory);
        EntrepotConfig configured = load(command).config();
        ExportCommandLine.checkOutput(request, WrittenPaths.of(configured, data(command)));
        EntrepotConfig config =
                request.dryRun() && !request.restart() ? looked(configured, command) : written(configured, command);
        ClientEnvironment world = ClientEnvironment.system(Version.current()).withVariables(environment);
        try (ExportCommand export = new ExportCommand(config, world, request, out, err, terminal)) {
            return export.run();
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }

    private int upstreams(ParseResult command)
            throws ConfigException, IOException, BadRequestException, InterruptedException {
        return new UpstreamsCommand(
                        ServeCommand.overridden(looked(command).config(), data(command)),
                        ClientEnvironment.system(Version.current()).withVariables(environment),
                        out,
                        err)
                .run(command);
    }

    private static boolean json(ParseResult command) {
        return command.hasMatchedOption(ReplicationCommandLine.JSON);
    }

    private static String text(ParseResult command, int index) {
        String text = command.matchedPositionalValue(index, "");
        return text;
    }

    private String image(ParseResult command, int index) {
        return LayoutName.absolute(text(command, index), workingDirectory);
    }

    private static Optional<Long> number(ParseResult command) {
        return Optional.ofNullable(command.matchedPositionalValue(0, null));
    }

    private int check(LoadedConfig loaded) throws Prerequisites.MissingException {
        Prerequisites.check(loaded.config(), loaded::originOf, client());
        out.println(loaded.file().map(Path::toString).orElse("no file, all defaults") + ": ok");
        CostlyPatterns.warnings(loaded.config()).forEach(out::println);
        RegistriesInNames.warnings(loaded.config()).forEach(warning -> out.println("warning: " + warning));
        AccessChecks.warnings(loaded.config()).forEach(warning -> out.println("warning: " + warning));
        UpstreamNames.warnings(loaded.config()).forEach(warning -> out.println("warning: " + warning));
        return ExitCodes.OK;
    }

    private int show(LoadedConfig loaded) {
        out.print(ConfigPrinter.print(loaded));
        return ExitCodes.OK;
    }

    // What is shown by the defaults alone, in a folder that is the wrong one, looks like what was asked for.
    private LoadedConfig looked(ParseResult command) throws ConfigException, InterruptedException {
        LoadedConfig loaded = load(command);
        Path folder =
                ServeCommand.overridden(loaded.config(), data(command)).cache().directory();
        if (loaded.file().isEmpty()) {
            Optional<RunningServer> server = RunningServer.find(folder);
            if (server.isPresent()) {
                server.get().close();
            } else {
                err.println("no configuration file here (" + ConfigLoader.DEFAULT_FILE + ") and no server at " + folder
                        + ": defaults, data in " + folder + "; name a file with --config");
            }
        }
        return loaded;
    }

    private LoadedConfig load(ParseResult command) throws ConfigException {
        Optional<Path> file = Optional.ofNullable(command.matchedOptionValue("--config", null));
        return ConfigLoader.load(file, workingDirectory, environment, dataFolders(command));
    }

    private void complain(Exception failure) {
        if (failure instanceof ConfigException || failure instanceof Prerequisites.MissingException) {
            err.println(failure.getMessage());
        } else if (failure instanceof RuntimeException) {
            err.println("entrepot: this is a defect; please report it:");
            failure.printStackTrace(err);
        } else {
            err.println("entrepot: " + FailureWords.of(failure));
        }
    }
}
