package dev.entrepot.proxy;

import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;
import picocli.CommandLine.Model.UsageMessageSpec;

/**
 * The help of a command, with lines that end at blanks alone. The library ends them by the rules for prose, which take
 * references and names of files apart at dots, and nobody can copy those.
 */
final class HelpText {
    // What the library might end a line at is a letter to it meanwhile, one for each.
    private static final String APART = ".,:;/\\-+*?!&=()[]<>\"'`~#^";
    private static final int LETTERS = 0x1E00;

    private HelpText() {}

    /** The help; the command is of no use for anything else then. */
    static String of(CommandLine command) {
        CommandSpec spec = command.getCommandSpec();
        keepWhole(spec.usageMessage());
        spec.subcommands()
                .values()
                .forEach(one -> keepWhole(one.getCommandSpec().usageMessage()));
        for (OptionSpec option : List.copyOf(spec.options())) {
            spec.remove(option);
            spec.addOption(option.toBuilder().description(whole(option)).build());
        }
        for (PositionalParamSpec parameter : List.copyOf(spec.positionalParameters())) {
            spec.remove(parameter);
            spec.addPositional(
                    parameter.toBuilder().description(whole(parameter)).build());
        }
        StringBuilder help = new StringBuilder(command.getUsageMessage());
        for (int i = 0; i < help.length(); i++) {
            int kept = help.charAt(i) - LETTERS;
            if (kept > 0 && APART.indexOf(kept) >= 0) {
                help.setCharAt(i, (char) kept);
            }
        }
        return help.toString();
    }

    private static void keepWhole(UsageMessageSpec usage) {
        usage.description(whole(usage.description())).footer(whole(usage.footer()));
    }

    private static String[] whole(ArgSpec option) {
        return whole(option.description());
    }

    private static String[] whole(String... lines) {
        String[] whole = new String[lines.length];
        for (int i = 0; i < lines.length; i++) {
            StringBuilder line = new StringBuilder(lines[i].length());
            lines[i].chars().forEach(c -> line.append((char) (APART.indexOf(c) >= 0 ? LETTERS + c : c)));
            whole[i] = line.toString();
        }
        return whole;
    }
}
