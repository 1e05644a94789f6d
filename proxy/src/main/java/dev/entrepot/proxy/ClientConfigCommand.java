package dev.entrepot.proxy;

import dev.entrepot.config.EntrepotConfig;
import dev.entrepot.config.UpstreamNames;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.proxy.ClientConfiguration.Client;
import dev.entrepot.proxy.replication.BadRequestException;
import dev.entrepot.replicator.WholeFile;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;
import picocli.CommandLine.ParseResult;

/** {@code entrepot client-config}: prints, or writes, the settings with which a client pulls through this server. */
final class ClientConfigCommand {
    private static final String ADDRESS = "--address";
    private static final String REGISTRY = "--registry";
    private static final String INTO = "--into";

    private ClientConfigCommand() {}

    /** Adds the command. */
    static void addTo(CommandSpec entrepot) {
        CommandSpec spec = CommandLineSpec.command(
                        "Print the settings with which a client pulls through this server, where they go, and what to restart.")
                .addOption(CommandLineSpec.configOption())
                .addOption(OptionSpec.builder(ADDRESS)
                        .paramLabel("URL")
                        .type(String.class)
                        .description("Where clients reach this server; without it where it listens.")
                        .build())
                .addOption(OptionSpec.builder(REGISTRY)
                        .paramLabel("NAME")
                        .type(List.class)
                        .auxiliaryTypes(String.class)
                        .arity("1")
                        .description("Only this registry, and each other that is given; without it all upstreams.")
                        .build())
                .addOption(OptionSpec.builder(INTO)
                        .paramLabel("FOLDER")
                        .type(Path.class)
                        .description(
                                "Write the files there, by their paths, and print only those (and notes to standard error). None is written over that says something else.")
                        .build())
                .addPositional(PositionalParamSpec.builder()
                        .index("0")
                        .paramLabel("CLIENT")
                        .type(String.class)
                        .arity("1")
                        .required(true)
                        .description("One of " + String.join(", ", Client.labels()) + ".")
                        .build());
        spec.usageMessage().footer("", CommandLineSpec.CODES);
        entrepot.addSubcommand("client-config", spec);
    }

    /**
     * Runs it.
     *
     * @param workingDirectory what a relative folder starts from
     * @param out where files are printed, with notes on what they leave open; or the names of those that are written
     * @param err where these notes go then
     * @throws BadRequestException if there is no such client, no such upstream, no such address, none that the client
     *     could reach, or nothing to say
     * @throws IOException if a file cannot be written, or is there and says something else
     */
    static int run(ParseResult command, EntrepotConfig config, Path workingDirectory, PrintStream out, PrintStream err)
            throws BadRequestException, IOException {
        String label = command.matchedPositionalValue(0, "");
        Client client = Client.of(label)
                .orElseThrow(() -> new BadRequestException(
                        "there are no settings for " + label + ", only for " + String.join(", ", Client.labels())));
        if (config.upstreams().isEmpty()) {
            throw new BadRequestException(UpstreamNames.NONE);
        }
        String address = command.matchedOptionValue(ADDRESS, "");
        MirrorAddress reached = address.isEmpty() ? MirrorAddress.of(config.server()) : MirrorAddress.parse(address);
        if (client == Client.KIND && reached.isLoopback()) {
            throw new BadRequestException(reached.authority()
                    + " is, within a node of kind, that node itself: say with --address how its containers reach this machine"
                    + " (`docker network inspect kind` shows the gateway), and have the server listen there");
        }
        ClientConfiguration settings = new ClientConfiguration(
                reached,
                registries(command.matchedOptionValue(REGISTRY, List.of()), config),
                config.defaultUpstream().map(RegistryHost::value));
        List<ConfigurationFile> files = settings.files(client);
        if (files.isEmpty()) {
            throw new BadRequestException(
                    config.defaultUpstream().equals(Optional.of(RegistryHost.DOCKER_HUB))
                            ? "Docker pulls nothing but docker.io through a mirror; name that with " + REGISTRY
                                    + " too, or leave that option out"
                            : "Docker pulls nothing but docker.io through a mirror, and without naming it: that needs `default-upstream: docker.io`");
        }
        Optional<Path> into = Optional.<Path>ofNullable(command.matchedOptionValue(INTO, null))
                .map(workingDirectory::resolve);
        if (into.isPresent()) {
            check(into.get(), files, WrittenPaths.of(config, Optional.empty()));
            refuseOthers(into.get(), files);
        }
        for (ConfigurationFile file : files) {
            if (into.isPresent()) {
                out.println(write(into.get(), file));
            } else {
                print(file, out);
            }
        }
        PrintStream notes = into.isPresent() ? err : out;
        Stream.concat(
                        settings.leftOut(client).stream(),
                        ClientNotes.of(client, reached, !address.isEmpty(), config.server()).stream())
                .forEach(note -> notes.println("=== note: " + note));
        return ExitCodes.OK;
    }

    private static List<ClientConfiguration.Registry> registries(List<String> asked, EntrepotConfig config)
            throws BadRequestException {
        List<ClientConfiguration.Registry> all = config.upstreams().entrySet().stream()
                .map(upstream -> new ClientConfiguration.Registry(
                        upstream.getKey().value(), upstream.getValue().aliases()))
                .toList();
        List<ClientConfiguration.Registry> named = new ArrayList<>();
        for (String name : asked.stream().distinct().toList()) {
            named.add(all.stream()
                    .filter(registry -> registry.name().equals(name))
                    .findFirst()
                    .orElseThrow(
                            () -> new BadRequestException(name + " is not among the upstreams of the configuration: "
                                    + all.stream()
                                            .map(ClientConfiguration.Registry::name)
                                            .collect(Collectors.joining(", ")))));
        }
        return asked.isEmpty() ? all : named;
    }

    private static void print(ConfigurationFile file, PrintStream out) {
        out.println("=== " + file.path());
        out.print(file.text());
        out.println("=== then restart: " + file.restart());
        out.println();
    }

    private static void check(Path folder, List<ConfigurationFile> files, WrittenPaths written)
            throws BadRequestException {
        for (ConfigurationFile file : files) {
            written.file(INTO, in(folder, file));
        }
    }

    private static Path in(Path folder, ConfigurationFile file) {
        return folder.resolve(file.path().substring(1));
    }

    // Most of these files are those of all other settings of the client, too, some with passwords. None is written
    // over,
    // and where one is in the way none is written at all.
    private static void refuseOthers(Path folder, List<ConfigurationFile> files) throws IOException {
        for (ConfigurationFile file : files) {
            Path path = in(folder, file);
            if (Files.exists(path) && !isWritten(path, file)) {
                throw new IOException(
                        path + " is there and says something else; nothing was written: put into it what this"
                                + " command prints without " + INTO + ", or move it away, or name another folder");
            }
        }
    }

    private static boolean isWritten(Path path, ConfigurationFile file) throws IOException {
        byte[] text = file.text().getBytes(StandardCharsets.UTF_8);
        return Files.isRegularFile(path)
                && Files.size(path) == text.length
                && Arrays.equals(Files.readAllBytes(path), text);
    }

    private static Path write(Path folder, ConfigurationFile file) throws IOException {
        Path path = in(folder, file);
        Files.createDirectories(path.getParent());
        if (!Files.exists(path)) {
            write(path, file.text().getBytes(StandardCharsets.UTF_8));
        }
        return path;
    }

    private static void write(Path path, byte[] text) throws IOException {
        try {
            WholeFile.write(path, text);
        } catch (FileSystemException e) {
            throw e;
        } catch (IOException e) {
            throw new IOException(path + " cannot be written: " + FailureWords.of(e), e);
        }
    }
}
