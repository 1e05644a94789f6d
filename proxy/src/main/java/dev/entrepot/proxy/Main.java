package dev.entrepot.proxy;

import dev.entrepot.proxy.log.Logging;
import java.io.BufferedOutputStream;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** The entry point. */
public final class Main {
    // Java cannot tell whether standard error is a terminal; the launcher can.
    private static final String TERMINAL = "entrepot.terminal";
    // Whether the launcher lets a command end without what the JVM does at its end: see ProcessEnd.
    private static final String ENDS_AT_ONCE = "entrepot.ends-at-once";
    // What the JVM whose classes go into the startup cache does before its own command: see rehearse().
    private static final String REHEARSAL = "entrepot.rehearsal";

    private Main() {}

    /**
     * Runs the command line and exits with its code; see {@link ExitCodes}. For a launcher: what its options mean is in
     * {@code docs/decisions/0006-startup-cache.md}.
     */
    public static void main(String[] arguments) {
        EarlySetup.begin();
        // Before anything logs: the standard manager drops its handlers when the JVM begins to stop, while requests are
        // drained.
        System.setProperty("java.util.logging.manager", DrainingLogManager.class.getName());
        Logging logging = Logging.to(System.err);
        if (arguments.length > 0 && arguments[0].equals("serve")) {
            ServeCommand.outliveHangup();
        }
        StandardOutput output = new StandardOutput();
        System.setOut(new PrintStream(new BufferedOutputStream(output), true, System.out.charset()));
        CommandLineInterface cli = new CommandLineInterface(
                System.in,
                System.out,
                System.err,
                output,
                Path.of(""),
                System.getenv(),
                new ServeCommand.UntilStopped(),
                Boolean.getBoolean(TERMINAL),
                logging::use);
        CommandThreads.prepare(List.of(arguments));
        boolean atOnce = Boolean.getBoolean(ENDS_AT_ONCE) && ProcessEnd.fits(List.of(arguments), System.getenv());
        Optional<ProcessEnd> end = atOnce ? Optional.of(ProcessEnd.prepare()) : Optional.empty();
        rehearse(cli);
        int code = written(output, cli.run(arguments));
        System.out.flush();
        System.err.flush();
        end.ifPresent(process -> process.now(code));
        System.exit(code);
    }

    // A script must not go on with half an answer, as where the disk was full.
    private static int written(StandardOutput output, int code) {
        System.out.flush();
        Optional<String> lost = output.lost();
        lost.ifPresent(why -> System.err.println("entrepot: standard output could not be written: " + why));
        return lost.isPresent() && code == ExitCodes.OK ? ExitCodes.FAILURE : code;
    }

    // The startup cache is written by one JVM, and both a server and commands are to be in it: commands come first,
    // divided by semicolons, and their arguments by commas.
    private static void rehearse(CommandLineInterface cli) {
        String commands = System.getProperty(REHEARSAL, "");
        if (commands.isEmpty()) {
            return;
        }
        ProcessEnd.prepare();
        for (String command : commands.split(";", 0)) {
            String[] arguments = command.split(",", 0);
            CommandThreads.prepare(List.of(arguments));
            int code = cli.run(arguments);
            if (code != ExitCodes.OK) {
                throw new IllegalStateException("the rehearsal of " + command + " ended with " + code);
            }
        }
    }
}
