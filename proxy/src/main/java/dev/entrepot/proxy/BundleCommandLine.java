package dev.entrepot.proxy;

import dev.entrepot.config.ReplicationRuleConfig.OnSparseRefused;
import dev.entrepot.config.ReplicationRuleConfig.Verify;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.TypeConversionException;

/** The commands that read bundles as the command line knows them: their options, parameters and help. */
final class BundleCommandLine {
    /** The names of options. */
    static final String TRUST = "--trust";

    static final String UNSIGNED = "--unsigned";
    static final String BUNDLE = "--bundle";
    static final String TO = "--to";
    static final String MAP = "--map";
    static final String ONLY = "--only";
    static final String RECEIPT = "--receipt";
    static final String RECEIPT_KEY = "--receipt-key";

    static final String ON_SPARSE_REFUSED = "--on-sparse-refused";
    static final String VERIFY = "--verify";
    static final String AGAIN = "--again";
    private static final String CODES =
            "Exit codes: 0 complete, 3 partly or volumes are missing, 1 failed, 2 wrong usage,"
                    + " 78 wrong configuration.";
    private static final String VOLUMES = "Volumes of one bundle: tars, folders, or a folder that has them.";

    private BundleCommandLine() {}

    /** Adds the commands. */
    static void addTo(CommandSpec entrepot) {
        entrepot.addSubcommand("import", imports())
                .addSubcommand(
                        "verify",
                        reading("Check a bundle and import nothing: signature, every byte, every graph.")
                                .addOption(json()))
                .addSubcommand("ls", list())
                .addSubcommand("receipt", receipt());
    }

    private static CommandSpec receipt() {
        CommandSpec spec = CommandLineSpec.command(
                        "Make a receipt of what a target has, without a bundle: where the data folder of its imports was lost, or is elsewhere.")
                .addPositional(PositionalParamSpec.builder()
                        .index("0..*")
                        .paramLabel("REPOSITORY")
                        .type(String[].class)
                        .auxiliaryTypes(String.class)
                        .arity("0..*")
                        .description(
                                "Repositories as the source calls them, or globs; all of the target's catalog without any.")
                        .build())
                .addOption(CommandLineSpec.configOption())
                .addOption(text(TO, "TARGET", "The target, as for an import.", true))
                .addOption(many(MAP, "SRC=DST", "As for the imports to it."))
                .addOption(OptionSpec.builder(RECEIPT)
                        .paramLabel("FILE")
                        .type(Path.class)
                        .required(true)
                        .description("Where to write the receipt.")
                        .build())
                .addOption(file(RECEIPT_KEY, "KEY.pem", "The private key that the receipt is signed with."))
                .addOption(flag(UNSIGNED, "The receipt need not be signed: then no export takes it."))
                .addOption(verifying())
                .addOption(file(
                        ReplicationCommandLine.DATA,
                        "FOLDER",
                        "The data folder that imports to the target use, whatever the configuration says."));
        spec.usageMessage()
                .footer(
                        "",
                        "Exit codes: 0 complete, 3 something could not be read and is not in the receipt, 1 failed,"
                                + " 2 wrong usage, 78 wrong configuration.");
        return spec;
    }

    /** Adds to {@code serve} what makes it serve a bundle. */
    static CommandSpec withBundle(CommandSpec serve) {
        serve.addOption(OptionSpec.builder(BUNDLE)
                .paramLabel("BUNDLE")
                .type(String[].class)
                .auxiliaryTypes(String.class)
                .arity("1..*")
                .description("Serve this bundle, read-only, and nothing else. " + VOLUMES)
                .build());
        return withTrust(serve);
    }

    /** Adds the options that say whether a bundle is to be believed. */
    static CommandSpec withTrust(CommandSpec spec) {
        return spec.addOption(many(
                        TRUST,
                        "KEY",
                        "The bundle is signed by a public key or certificate of this PEM file, or of another."))
                .addOption(flag(UNSIGNED, "The bundle need not be signed."));
    }

    private static CommandSpec imports() {
        CommandSpec spec = reading(
                        "Bring a bundle into a registry: all of it is checked before a manifest or a tag is written.")
                .addOption(text(
                        TO,
                        "TARGET",
                        "https://HOST[/PREFIX], http:// where plain HTTP is meant, or layout:PATH. What is configured for a"
                                + " rule's target or an upstream there counts.",
                        true))
                .addOption(
                        many(
                                MAP,
                                "SRC=DST",
                                "REPOSITORY=REPOSITORY renames, also of leading components; REPOSITORY:TAG=:TAG gives another tag."))
                .addOption(many(ONLY, "REPOSITORY[:TAG]", "Only images that match one of these names or globs."))
                .addOption(OptionSpec.builder(ON_SPARSE_REFUSED)
                        .paramLabel("fail|trim")
                        .type(OnSparseRefused.class)
                        .converters((ITypeConverter<OnSparseRefused>) BundleCommandLine::onSparseRefused)
                        .description(
                                "Where the target refuses an index some of whose platforms are not in the bundle: fail, the"
                                        + " default, or write a trimmed index, which has another digest.")
                        .build())
                .addOption(verifying())
                .addOption(flag(
                        AGAIN,
                        "Tags may go back to what an earlier import brought and a later one replaced: an old bundle is"
                                + " meant."))
                .addOption(file(RECEIPT, "FILE", "Write a receipt of what the target has then, for the next export."))
                .addOption(file(RECEIPT_KEY, "KEY.pem", "The private key that the receipt is signed with."))
                .addOption(file(
                        ReplicationCommandLine.DATA,
                        "FOLDER",
                        "The data folder, whatever the configuration says. Imports have a folder of their own in it."));
        spec.addOption(json());
        return spec;
    }

    private static CommandSpec list() {
        return reading("Show the images of a bundle: what they have, in which volumes, and what was left out.")
                .addOption(json());
    }

    private static CommandSpec reading(String description) {
        CommandSpec spec = CommandLineSpec.command(description)
                .addOption(CommandLineSpec.configOption())
                .addPositional(PositionalParamSpec.builder()
                        .index("0..*")
                        .paramLabel("BUNDLE")
                        .type(String[].class)
                        .auxiliaryTypes(String.class)
                        .arity("1..*")
                        .required(true)
                        .description(VOLUMES)
                        .build());
        withTrust(spec);
        spec.usageMessage().footer("", CODES);
        return spec;
    }

    private static OptionSpec verifying() {
        return verifying("What the target has is believed by name and size, the default, or all of it is read: deep.");
    }

    /** How to verify what a target has. */
    static OptionSpec verifying(String description) {
        return OptionSpec.builder(VERIFY)
                .paramLabel("head|deep")
                .type(Verify.class)
                .converters((ITypeConverter<Verify>) BundleCommandLine::verify)
                .description(description)
                .build();
    }

    private static Verify verify(String text) {
        for (Verify choice : Verify.values()) {
            if (choice.name().toLowerCase(Locale.ROOT).equals(text)) {
                return choice;
            }
        }
        throw new TypeConversionException("expected head or deep");
    }

    private static OnSparseRefused onSparseRefused(String text) {
        for (OnSparseRefused choice : OnSparseRefused.values()) {
            if (choice.name().toLowerCase(Locale.ROOT).equals(text)) {
                return choice;
            }
        }
        throw new TypeConversionException("expected fail or trim");
    }

    /** Where an import goes or a receipt is of, and how. */
    static BundleCommands.Import wanted(ParseResult command) {
        String[] none = {};
        return new BundleCommands.Import(
                command.matchedOptionValue(TO, ""),
                List.of(command.matchedOptionValue(MAP, none)),
                List.of(command.matchedOptionValue(ONLY, none)),
                Optional.ofNullable(command.matchedOptionValue(RECEIPT, null)),
                Optional.ofNullable(command.matchedOptionValue(RECEIPT_KEY, null)),
                Optional.ofNullable(command.matchedOptionValue(ON_SPARSE_REFUSED, null)),
                command.matchedOptionValue(VERIFY, Verify.HEAD),
                command.hasMatchedOption(AGAIN));
    }

    private static OptionSpec json() {
        return flag(ReplicationCommandLine.JSON, "Answer in JSON.");
    }

    private static OptionSpec flag(String name, String description) {
        return OptionSpec.builder(name)
                .type(boolean.class)
                .description(description)
                .build();
    }

    private static OptionSpec many(String name, String label, String description) {
        return OptionSpec.builder(name)
                .paramLabel(label)
                .type(String[].class)
                .auxiliaryTypes(String.class)
                .arity("1")
                .description(description)
                .build();
    }

    private static OptionSpec text(String name, String label, String description, boolean required) {
        return OptionSpec.builder(name)
                .paramLabel(label)
                .type(String.class)
                .required(required)
                .description(description)
                .build();
    }

    private static OptionSpec file(String name, String label, String description) {
        return OptionSpec.builder(name)
                .paramLabel(label)
                .type(Path.class)
                .description(description)
                .build();
    }
}
