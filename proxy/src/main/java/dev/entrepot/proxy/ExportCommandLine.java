package dev.entrepot.proxy;

import dev.entrepot.config.ByteSize;
import dev.entrepot.config.InvalidValueException;
import dev.entrepot.proxy.replication.BadRequestException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.TypeConversionException;

/** The command {@code export} as the command line knows it: its options, parameters and help, and what they come to. */
final class ExportCommandLine {
    private static final String OUTPUT = "--output";
    private static final String VOLUME_SIZE = "--volume-size";
    private static final String SINCE = "--since";
    private static final String TRUST = "--trust";
    private static final String KEY = "--key";
    private static final String UNSIGNED = "--unsigned";
    private static final String FROM = "--from";
    private static final String KEEP = "--keep";
    private static final String RESTART = "--restart";
    private static final String DRY_RUN = "--dry-run";
    private static final String REISSUE = "--reissue";
    private static final String VOLUMES = "--volumes";

    private ExportCommandLine() {}

    /** Adds the command. */
    static void addTo(CommandSpec entrepot) {
        entrepot.addSubcommand("export", export());
    }

    private static CommandSpec export() {
        CommandSpec spec = CommandLineSpec.command(
                        "Write images with all that refers to them as a bundle: OCI image layouts in files, with a signed inventory. The same command goes on"
                                + " with an export that was killed.")
                .addPositional(PositionalParamSpec.builder()
                        .index("0..*")
                        .paramLabel("RULE|REF")
                        .type(List.class)
                        .auxiliaryTypes(String.class)
                        .arity("0..*")
                        .description(
                                "The name of one rule of the configuration, or references of upstreams: registry/repository:tag, or with @digest behind the tag.")
                        .build())
                .addOption(CommandLineSpec.configOption())
                .addOption(path(
                        ReplicationCommandLine.DATA, "FOLDER", "The data folder, whatever the configuration says."))
                .addOption(OptionSpec.builder(OUTPUT)
                        .paramLabel("FILE")
                        .type(Path.class)
                        .required(true)
                        .description(
                                "Where to write: tars if it ends in .tar, else folders. Several volumes are FILE.001.tar, FILE.002.tar. With --reissue, a folder.")
                        .build())
                .addOption(OptionSpec.builder(VOLUME_SIZE)
                        .paramLabel("SIZE")
                        .type(ByteSize.class)
                        .converters((ITypeConverter<ByteSize>) ExportCommandLine::size)
                        .description("The largest size of a volume, for example 4.7GB; one volume without this.")
                        .build())
                .addOption(
                        paths(
                                SINCE,
                                "RECEIPT",
                                "Leave out what this receipt of the other side says that it has; needs --trust. Given several times, what all of them have."))
                .addOption(paths(
                        TRUST,
                        "FILE",
                        "Public keys or certificates, PEM, that a receipt may be signed by; with " + REISSUE
                                + ", the bundle. May be given several times."))
                .addOption(path(KEY, "FILE", "The private key, PEM, to sign the inventory with: ECDSA or Ed25519."))
                .addOption(flag(UNSIGNED, "Do not sign: the other side cannot know who made the bundle."))
                .addOption(OptionSpec.builder(FROM)
                        .paramLabel("cache|upstream|both")
                        .type(ExportRequest.From.class)
                        .converters((ITypeConverter<ExportRequest.From>) ExportCommandLine::from)
                        .description(
                                "Read what the cache keeps from there and the rest from the upstreams (both, the default), all from the upstreams, or only what the cache keeps.")
                        .build())
                .addOption(flag(
                        KEEP, "Keep the blobs that come from upstreams in the cache, too: a second copy on the disk."))
                .addOption(flag(RESTART, "Select anew, where an export of the same was begun and did not end."))
                .addOption(flag(DRY_RUN, "Say what would be written, and write nothing."))
                .addOption(OptionSpec.builder(REISSUE)
                        .paramLabel("ID|VOLUME")
                        .type(String.class)
                        .description(
                                "Write volumes of an earlier bundle again, as they were, by its id or by one of its volumes.")
                        .build())
                .addOption(OptionSpec.builder(VOLUMES)
                        .paramLabel("N[,N]")
                        .type(List.class)
                        .auxiliaryTypes(Integer.class)
                        .splitRegex(",")
                        .description("Which volumes --reissue writes.")
                        .build())
                .addOption(flag(ReplicationCommandLine.JSON, "Answer in JSON."));
        spec.usageMessage().footer("", "Exit codes: 0 complete, 1 failed, 2 wrong usage, 78 wrong configuration.");
        return spec;
    }

    private static OptionSpec path(String name, String label, String description) {
        return OptionSpec.builder(name)
                .paramLabel(label)
                .type(Path.class)
                .description(description)
                .build();
    }

    private static OptionSpec paths(String name, String label, String description) {
        return OptionSpec.builder(name)
                .paramLabel(label)
                .type(List.class)
                .auxiliaryTypes(Path.class)
                .arity("1")
                .description(description)
                .build();
    }

    private static OptionSpec flag(String name, String description) {
        return OptionSpec.builder(name)
                .type(boolean.class)
                .description(description)
                .build();
    }

    private static ByteSize size(String text) {
        try {
            return ByteSize.parse(text);
        } catch (InvalidValueException e) {
            throw new TypeConversionException("expected " + e.allowed());
        }
    }

    private static ExportRequest.From from(String text) {
        for (ExportRequest.From from : ExportRequest.From.values()) {
            if (from.toString().equals(text)) {
                return from;
            }
        }
        throw new TypeConversionException("expected cache, upstream or both");
    }

    /**
     * What a command line asks for.
     *
     * @throws BadRequestException if its options contradict each other, or one is missing
     */
    static ExportRequest request(ParseResult command, Path workingDirectory) throws BadRequestException {
        List<String> names = command.matchedPositionalValue(0, List.<String>of());
        Optional<String> reissue = Optional.ofNullable(command.matchedOptionValue(REISSUE, null));
        List<Integer> volumes = command.matchedOptionValue(VOLUMES, List.<Integer>of());
        ExportRequest request = new ExportRequest(
                new ArrayList<>(names),
                path(command, OUTPUT, workingDirectory),
                Optional.ofNullable(command.matchedOptionValue(VOLUME_SIZE, null)),
                paths(command, SINCE, workingDirectory),
                paths(command, TRUST, workingDirectory),
                path(command, KEY, workingDirectory),
                command.hasMatchedOption(UNSIGNED),
                command.matchedOptionValue(FROM, ExportRequest.From.BOTH),
                command.hasMatchedOption(KEEP),
                command.hasMatchedOption(RESTART),
                reissue,
                volumes,
                command.hasMatchedOption(DRY_RUN),
                command.hasMatchedOption(ReplicationCommandLine.JSON),
                workingDirectory.toAbsolutePath());
        check(request);
        return request;
    }

    /**
     * Checks where a bundle is to be written to.
     *
     * @throws BadRequestException if that is in the folder of the cache, or around it
     */
    static void checkOutput(ExportRequest request, WrittenPaths written) throws BadRequestException {
        Path output = request.output().orElseThrow();
        if (request.reissue().isPresent()) {
            // A folder that may have other things in it, to which volumes are added.
            written.file(OUTPUT, output);
        } else {
            written.folder(OUTPUT, output);
        }
    }

    private static Optional<Path> path(ParseResult command, String option, Path workingDirectory) {
        return Optional.<Path>ofNullable(command.matchedOptionValue(option, null))
                .map(path -> workingDirectory.resolve(path).toAbsolutePath().normalize());
    }

    private static List<Path> paths(ParseResult command, String option, Path workingDirectory) {
        return command.matchedOptionValue(option, List.<Path>of()).stream()
                .map(path -> workingDirectory.resolve(path).toAbsolutePath().normalize())
                .toList();
    }

    private static void check(ExportRequest request) throws BadRequestException {
        refuse(
                request.keep() && request.from() != ExportRequest.From.BOTH,
                KEEP + " goes with " + FROM + " " + ExportRequest.From.BOTH);
        if (request.reissue().isPresent()) {
            refuse(!request.names().isEmpty(), REISSUE + " writes what the bundle was made of; name no rule or image");
            refuse(request.volumes().isEmpty(), "say which volumes to write again, with " + VOLUMES + " 2,3");
            refuseBeside(DRY_RUN, request.dryRun());
            refuseBeside(RESTART, request.restart());
            refuseBeside(VOLUME_SIZE, request.volumeSize().isPresent());
            refuseBeside(SINCE, !request.since().isEmpty());
            refuseBeside(KEY, request.key().isPresent());
            refuseBeside(UNSIGNED, request.unsigned());
            return;
        }
        refuse(request.names().isEmpty(), "name a rule of the configuration, or images: registry/repository:tag");
        refuse(!request.volumes().isEmpty(), VOLUMES + " goes with " + REISSUE);
        refuse(
                request.since().isEmpty() != request.trust().isEmpty(),
                SINCE + " and " + TRUST + " go together: a receipt counts only if a key that you trust has signed it");
        refuse(request.unsigned() && request.key().isPresent(), KEY + " and " + UNSIGNED + " exclude each other");
        refuse(
                !request.unsigned() && request.key().isEmpty() && !request.dryRun(),
                "say which key to sign with, " + KEY + " FILE, or " + UNSIGNED
                        + "; make a key with: openssl genpkey -algorithm ed25519 -out key.pem && openssl pkey -in key.pem -pubout -out key.pub");
    }

    private static void refuseBeside(String option, boolean given) throws BadRequestException {
        refuse(given, REISSUE + " writes volumes as they were, at once; leave out " + option);
    }

    private static void refuse(boolean wrong, String message) throws BadRequestException {
        if (wrong) {
            throw new BadRequestException(message);
        }
    }
}
