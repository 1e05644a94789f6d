package dev.entrepot.oci.client;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Runs a program that answers on its standard output. Its standard error is dropped, since it may show secrets.
 *
 * @param command the program, a path or a name to be found on the {@code PATH}, and its arguments
 * @param variables environment variables; {@code PATH} says where programs are
 * @param longestRun how long it may take
 */
public record Program(List<String> command, Map<String, String> variables, Duration longestRun) {
    private static final int MAX_ANSWER_BYTES = 64 * 1024;

    /** Copies the collections. */
    public Program {
        command = List.copyOf(command);
        variables = Map.copyOf(variables);
        if (command.isEmpty()) {
            throw new IllegalArgumentException("no program");
        }
    }

    /**
     * How it ended.
     *
     * @param exitCode its exit code
     * @param output its standard output, which may be a secret
     */
    public record Outcome(int exitCode, String output) {
        @Override
        public String toString() {
            return "Outcome[" + exitCode + "]";
        }
    }

    /** Its name, for messages; arguments may be secrets. */
    public String name() {
        return String.valueOf(Path.of(command.getFirst()).getFileName());
    }

    /**
     * Runs it to its end.
     *
     * @param input what it reads on its standard input
     * @throws IOException if it is missing, takes too long or says too much; the message shows nothing of its output
     */
    public Outcome run(String input) throws IOException {
        List<String> resolved = new ArrayList<>(command);
        resolved.set(0, find().toString());
        Process process = new ProcessBuilder(resolved)
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        CompletableFuture<String> output = new CompletableFuture<>();
        try {
            Thread.ofVirtual().name(name()).start(() -> collect(process, output));
            feed(process, input);
            String text = output.get(longestRun.toMillis(), TimeUnit.MILLISECONDS);
            if (!process.waitFor(longestRun.toMillis(), TimeUnit.MILLISECONDS)) {
                throw new IOException(name() + " did not end within " + longestRun.toSeconds() + " s");
            }
            return new Outcome(process.exitValue(), text);
        } catch (TimeoutException e) {
            throw new IOException(name() + " did not answer within " + longestRun.toSeconds() + " s", e);
        } catch (ExecutionException e) {
            throw new IOException(name() + " did not answer properly: " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while waiting for " + name(), e);
        } finally {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly();
        }
    }

    private static void feed(Process process, String input) {
        try (OutputStream in = process.getOutputStream()) {
            in.write(input.getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            // A program may answer, or fail, without reading; its outcome tells.
            return;
        }
    }

    private static void collect(Process process, CompletableFuture<String> output) {
        try (InputStream out = process.getInputStream()) {
            byte[] bytes = out.readNBytes(MAX_ANSWER_BYTES + 1);
            if (bytes.length > MAX_ANSWER_BYTES) {
                output.completeExceptionally(new IOException("more than " + MAX_ANSWER_BYTES + " bytes"));
            }
            output.complete(new String(bytes, StandardCharsets.UTF_8));
        } catch (IOException e) {
            output.completeExceptionally(e);
        }
    }

    private Path find() throws IOException {
        String program = command.getFirst();
        if (program.indexOf('/') >= 0) {
            return Path.of(program);
        }
        for (String directory : variables.getOrDefault("PATH", "").split(":")) {
            Path candidate = Path.of(directory).resolve(program);
            if (!directory.isEmpty() && Files.isExecutable(candidate)) {
                return candidate;
            }
        }
        throw new IOException(program + " is not on the PATH");
    }
}
