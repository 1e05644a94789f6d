package dev.entrepot.oci.client;

import dev.entrepot.oci.OciJson;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * Runs docker's credential helpers, {@code docker-credential-<suffix> get}: the server on standard input, JSON on
 * standard output, messages about failures there, too.
 */
final class CredentialHelper {
    private static final Pattern SUFFIX = Pattern.compile("[A-Za-z0-9._-]{1,64}");
    private static final String NOT_FOUND = "credentials not found in native keychain";

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

    /**
     * Asks a helper.
     *
     * @return empty if it knows no credential for the server
     * @throws IOException if it is missing, fails, takes too long or says too much; the message shows nothing of its
     *     output
     */
    Optional<Credential> get(String suffix, String server) throws IOException {
        if (!SUFFIX.matcher(suffix).matches() || suffix.startsWith(".")) {
            throw new IOException("the name of a credential helper is malformed");
        }
        Program program = new Program(List.of("docker-credential-" + suffix, "get"), variables, longestRun);
        Program.Outcome outcome = program.run(server);
        if (outcome.exitCode() != 0) {
            if (outcome.output().strip().equals(NOT_FOUND)) {
                return Optional.empty();
            }
            throw new IOException(program.name() + " failed with exit code " + outcome.exitCode());
        }
        return credential(answer(program, outcome));
    }

    /**
     * The JSON that a program has answered with.
     *
     * @throws IOException if it is none; the message shows nothing of it
     */
    static JsonNode answer(Program program, Program.Outcome outcome) throws IOException {
        try {
            return OciJson.mapper().readTree(outcome.output());
        } catch (JacksonException e) {
            // The cause would quote the output.
            throw new IOException(program.name() + " answered with something that is not JSON");
        }
    }

    /** The credential in an answer, {@code {"Username": …, "Secret": …}}; empty if there is no secret. */
    static Optional<Credential> credential(JsonNode answer) {
        JsonNode user = answer.path("Username");
        JsonNode secret = answer.path("Secret");
        if (!secret.isString() || secret.stringValue().isEmpty()) {
            return Optional.empty();
        }
        String username = user.isString() ? user.stringValue() : "";
        return Optional.of(
                username.equals("<token>")
                        ? new Credential.IdentityToken(secret.stringValue())
                        : new Credential.UserPassword(username, secret.stringValue()));
    }
}
