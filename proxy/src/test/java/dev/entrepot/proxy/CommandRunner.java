package dev.entrepot.proxy;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;

/** Runs the command line within the test, in a folder and an environment of the test's own. */
final class CommandRunner {
    private final Path folder;

    CommandRunner(Path folder) {
        this.folder = folder;
    }

    /** What came of a command. */
    record Result(int code, String out, String err) {}

    Result run(String... arguments) {
        return runOn("", arguments);
    }

    /** Runs a command with this on its standard input. */
    Result runOn(String input, String... arguments) {
        return run(
                input,
                mirror -> {
                    throw new AssertionError("nothing is to be served");
                },
                arguments);
    }

    /** As above, for a command that serves. */
    Result run(ServeCommand.Stop stop, String... arguments) {
        return run("", stop, arguments);
    }

    private Result run(String input, ServeCommand.Stop stop, String... arguments) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        int code = new CommandLineInterface(
                        new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8)),
                        new PrintStream(out, true, StandardCharsets.UTF_8),
                        new PrintStream(err, true, StandardCharsets.UTF_8),
                        folder,
                        Map.of("HOME", folder.toString()),
                        stop,
                        false)
                .run(arguments);
        return new Result(code, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    }
}
