package dev.entrepot.proxy;

import java.io.Console;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** The entry point. */
public final class Main {
    private Main() {}

    /** Runs the command line and exits with its code; see {@link ExitCodes}. */
    public static void main(String[] arguments) {
        // Before anything logs: the standard manager drops its handlers when the JVM begins to stop, while requests are
        // drained.
        System.setProperty("java.util.logging.manager", DrainingLogManager.class.getName());
        Logging.toStandardError();
        CommandLineInterface cli = new CommandLineInterface(
                System.out,
                System.err,
                Path.of(""),
                System.getenv(),
                new ServeCommand.UntilStopped(),
                isTerminal(System.console()));
        System.exit(cli.run(arguments));
    }

    private static boolean isTerminal(@Nullable Console console) {
        return console != null && console.isTerminal();
    }
}
