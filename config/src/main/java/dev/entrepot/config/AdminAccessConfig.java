package dev.entrepot.config;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * Who may use the admin API. Without any credentials here, everybody who reaches it on a loopback address may; on
 * another address nobody but the commands of this program on the same data folder, unless that is asked for.
 *
 * @param anonymous whether everybody may who reaches it on an address other than a loopback one
 * @param open what is answered to everybody in any case
 * @param htpasswd file with users and bcrypt hashes of their passwords
 * @param clientCa PEM file with the authorities of clients' certificates; without it, clients are asked for none
 * @param clientCertificates whether clients may or must show one; the commands of this program on the same data folder
 *     need none
 * @param operators the users, of the file and of certificates, who may change things; all if empty
 * @param readToken a token that may read
 * @param operateToken a token that may change things
 */
public record AdminAccessConfig(
        boolean anonymous,
        List<Open> open,
        Optional<Path> htpasswd,
        Optional<Path> clientCa,
        TlsConfig.ClientCertificates clientCertificates,
        List<String> operators,
        Optional<Secret> readToken,
        Optional<Secret> operateToken) {
    /** What may be open to everybody. */
    public enum Open {
        /** {@code /healthz}. */
        HEALTHZ,
        /** {@code /readyz}. */
        READYZ,
        /** {@code /metrics}. */
        METRICS
    }

    /** Copies the lists, and validates that nothing contradicts the rest. */
    public AdminAccessConfig {
        open = List.copyOf(open);
        operators = List.copyOf(operators);
        if (!operators.isEmpty() && htpasswd.isEmpty() && clientCa.isEmpty()) {
            throw new InvalidValueException("operators", "htpasswd or client-ca beside it, which has these users");
        }
        if (clientCertificates == TlsConfig.ClientCertificates.REQUIRED && clientCa.isEmpty()) {
            throw new InvalidValueException("client-ca", "the authorities of the certificates that are required");
        }
        if (anonymous
                && (htpasswd.isPresent()
                        || clientCa.isPresent()
                        || readToken.isPresent()
                        || operateToken.isPresent())) {
            throw new InvalidValueException("anonymous", "either this or credentials");
        }
    }

    /** Whether somebody can say who he is. */
    public boolean isConfigured() {
        return htpasswd.isPresent() || clientCa.isPresent() || readToken.isPresent() || operateToken.isPresent();
    }

    /** What those may do who say nothing, on an address that is a loopback one or not. */
    boolean isDecidedFor(ListenAddress address) {
        return address.isLoopback() || anonymous || isConfigured() || !open.isEmpty();
    }

    /** Whether everybody may do everything. */
    public boolean isOpenAt(ListenAddress address) {
        return anonymous || !isConfigured() && address.isLoopback();
    }
}
