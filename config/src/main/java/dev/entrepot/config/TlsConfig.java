package dev.entrepot.config;

import java.nio.file.Path;
import java.util.Optional;

/**
 * The certificate that the server shows to clients, and what it wants of theirs.
 *
 * @param certificate PEM file with the certificate and its chain
 * @param key PEM file with the private key
 * @param clientCa PEM file with the authorities of clients' certificates; without it, clients are asked for none
 * @param clientCertificates whether clients may or must show one
 */
public record TlsConfig(Path certificate, Path key, Optional<Path> clientCa, ClientCertificates clientCertificates) {
    /** Whether a client has a certificate. */
    public enum ClientCertificates {
        /** It may have one. */
        OPTIONAL,
        /** It must have one. */
        REQUIRED
    }

    /** Validates that somebody vouches for certificates that are required. */
    public TlsConfig {
        if (clientCertificates == ClientCertificates.REQUIRED && clientCa.isEmpty()) {
            throw new InvalidValueException("client-ca", "the authorities of the certificates that are required");
        }
    }

    /** A certificate of the server alone. */
    public static TlsConfig of(Path certificate, Path key) {
        return new TlsConfig(certificate, key, Optional.empty(), ClientCertificates.OPTIONAL);
    }
}
