package dev.entrepot.config;

import java.nio.file.Path;

/**
 * The certificate that the server shows to clients.
 *
 * @param certificate PEM file with the certificate and its chain
 * @param key PEM file with the private key
 */
public record TlsConfig(Path certificate, Path key) {}
