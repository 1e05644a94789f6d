package dev.entrepot.oci.client;

import dev.entrepot.oci.OciJson;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Pattern;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * Runs docker's credential helpers, {@code docker-credential-<suffix> get}: the server on standard input, JSON on standard output, messages
 * about failures there, too.
 */
final class CredentialHelper {
    private static final Pattern SUFFIX = Pattern.compile("[A-Za-z0-9._-]{1,64}");
    private static final String NOT_FOUND = "credentials not found in native keychain";
    private static final int MAX_ANSWER_BYTES = 64 * 1024;

    private final Map<String, String> variables;
    private final Duration longestRun;

    /**
     * A runner.
     *
     * @param variables environment variables; {@code PATH} says where helpers are
     * @param longestRun how long one may take
     */
    CredentialHelper(Map<String, String> variables, Duration longestRun) {
        this.variables = variables;
        this.longestRun = longestRun;
    }

    private record Outcome(int exitCode, String output) {}

    /**
     * Asks a helper.
     *
     * @return empty if it knows no credential for the server
     * @throws IOException if it is missing, fails, takes too long or says too much; the message shows nothing of its output
     */
    Optional<Credential> get(String suffix, String server) throws IOException {
        if (!SUFFIX.matcher(suffix).matches() || suffix.startsWith(".")) {
            throw new IOException("the name of a credential helper is malformed");
        }
        String name = "docker-credential-" + suffix;
        Outcome outcome = run(name, server);
        if (outcome.exitCode() != 0) {
            if (outcome.output().strip().equals(NOT_FOUND)) {
                return Optional.empty();
            }
            throw new IOException(name + " failed with exit code " + outcome.exitCode());
        }
        return parse(name, outcome.output());
    }

    private Outcome run(String name, String server) throws IOException {
        Process process = new ProcessBuilder(find(name).toString(), "get")
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        CompletableFuture<String> output = new CompletableFuture<>();
        Thread.ofVirtual().name(name).start(() -> collect(process, output));
        try {
            feed(process, server);
            String text = output.get(longestRun.toMillis(), TimeUnit.MILLISECONDS);
            if (!process.waitFor(longestRun.toMillis(), TimeUnit.MILLISECONDS)) {
                throw new IOException(name + " did not end within " + longestRun.toSeconds() + " s");
            }
            return new Outcome(process.exitValue(), text);
        } catch (TimeoutException e) {
            throw new IOException(name + " did not answer within " + longestRun.toSeconds() + " s", e);
        } catch (ExecutionException e) {
            throw new IOException(name + " did not answer properly: " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while waiting for " + name, e);
        } finally {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly();
        }
    }

    private static void feed(Process process, String server) {
        try (OutputStream in = process.getOutputStream()) {
            in.write(server.getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            // A helper may answer, or fail, without reading; its outcome tells.
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

    private Path find(String name) throws IOException {
        for (String directory : variables.getOrDefault("PATH", "").split(":")) {
            Path candidate = Path.of(directory).resolve(name);
            if (!directory.isEmpty() && Files.isExecutable(candidate)) {
                return candidate;
            }
        }
        throw new IOException(name + " is not on the PATH");
    }

    private static Optional<Credential> parse(String name, String output) throws IOException {
        try {
            JsonNode root = OciJson.mapper().readTree(output);
            JsonNode user = root.path("Username");
            JsonNode secret = root.path("Secret");
            if (!secret.isString() || secret.stringValue().isEmpty()) {
                return Optional.empty();
            }
            String username = user.isString() ? user.stringValue() : "";
            return Optional.of(
                    username.equals("<token>")
                            ? new Credential.IdentityToken(secret.stringValue())
                            : new Credential.UserPassword(username, secret.stringValue()));
        } catch (JacksonException e) {
            // The cause would quote the output.
            throw new IOException(name + " answered with something that is not JSON");
        }
    }
}
