package dev.entrepot.proxy;

import dev.entrepot.proxy.log.Logging;
import java.nio.file.Path;

/** The entry point. */
public final class Main {
    // Java cannot tell whether standard error is a terminal; the launcher can.
    private static final String TERMINAL = "entrepot.terminal";

    private Main() {}

    /** Runs the command line and exits with its code; see {@link ExitCodes}. */
    public static void main(String[] arguments) {
        // Before anything logs: the standard manager drops its handlers when the JVM begins to stop, while requests are
        // drained.
        System.setProperty("java.util.logging.manager", DrainingLogManager.class.getName());
        Logging logging = Logging.to(System.err);
        CommandLineInterface cli = new CommandLineInterface(
                System.in,
                System.out,
                System.err,
                Path.of(""),
                System.getenv(),
                new ServeCommand.UntilStopped(),
                Boolean.getBoolean(TERMINAL),
                logging::use);
        System.exit(cli.run(arguments));
    }
}
