package dev.entrepot.oci.client;

import dev.entrepot.oci.RegistryHost;
import java.io.IOException;
import java.time.Clock;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.format.DateTimeParseException;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/**
 * Asks a program for credentials. It reads the registry's name on its standard input and answers as docker's credential
 * helpers do, {@code {"Username": …, "Secret": …}}, with {@code "Expiration"}, a time of RFC 3339, where they do not
 * live for ever. Without one the program is asked again after five minutes; where it fails then, what it gave before
 * still counts.
 */
public final class ExecCredentials implements RenewedCredentials.Issuer {
    private final Program program;
    private final RegistryHost registry;
    private final Clock clock;

    private ExecCredentials(Program program, RegistryHost registry, Clock clock) {
        this.program = program;
        this.registry = registry;
        this.clock = clock;
    }

    /** The credentials that a program gives for a registry; it is first run when they are needed. */
    public static CredentialSource of(Program program, RegistryHost registry, ClientEnvironment environment) {
        return new RenewedCredentials(
                "credentials from " + program.name(),
                program.name(),
                new ExecCredentials(program, registry, environment.clock()),
                environment);
    }

    @Override
    public RenewedCredentials.Issued issue() throws IOException {
        Program.Outcome outcome = program.run(registry.value());
        if (outcome.exitCode() != 0) {
            throw new IOException(program.name() + " failed with exit code " + outcome.exitCode());
        }
        JsonNode answer = CredentialHelper.answer(program, outcome);
        Credential credential = CredentialHelper.credential(answer)
                .orElseThrow(() -> new IOException(program.name() + " answered without a Secret"));
        return new RenewedCredentials.Issued(credential, expiration(answer));
    }

    private Optional<Instant> expiration(JsonNode answer) throws IOException {
        JsonNode stated = answer.path("Expiration");
        if (stated.isMissingNode() || stated.isNull()) {
            return Optional.empty();
        }
        try {
            Instant end = OffsetDateTime.parse(stated.asString("")).toInstant();
            if (end.isAfter(clock.instant())) {
                return Optional.of(end);
            }
        } catch (DateTimeParseException e) {
            throw new IOException(program.name() + " answered with an Expiration that is no time of RFC 3339");
        }
        throw new IOException(program.name() + " answered with credentials that have expired");
    }
}
