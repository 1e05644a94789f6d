package dev.entrepot.config;

import java.nio.file.Path;

/**
 * The certificate that this process shows to a registry.
 *
 * @param certificate PEM file with the certificate and its chain
 * @param key PEM file with the private key
 */
public record ClientCertificate(Path certificate, Path key) {}
