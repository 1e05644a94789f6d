package dev.entrepot.config;

import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.RepositoryName;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * A mirror of an upstream, which is asked before the upstream itself.
 *
 * @param url where its API is: scheme, host and port only; plain HTTP if, and only if, the scheme is {@code http}
 * @param prefix what comes before the names of repositories there
 * @param answers what it is believed
 * @param credentials how to authenticate to it; anonymous without
 * @param ca PEM file with the authorities to trust in addition to the platform's
 * @param clientCertificate certificate to show to it
 * @param proxy HTTP proxy to reach it through, {@code http://host:port}
 * @param tokenRealms hosts, besides its own, whose token services may be sent the credentials
 * @param timeout how long it may take to begin an answer, or pause within one, before the next is asked
 */
public record MirrorConfig(
        URI url,
        Optional<RepositoryName> prefix,
        Answers answers,
        Optional<CredentialsConfig> credentials,
        Optional<Path> ca,
        Optional<ClientCertificate> clientCertificate,
        Optional<URI> proxy,
        List<RegistryHost> tokenRealms,
        Duration timeout) {
    /** The time where nothing else is configured. */
    public static final Duration DEFAULT_TIMEOUT = Duration.ofSeconds(10);

    /** What a mirror is believed. */
    public enum Answers {
        /** Content by digest, which is verified. */
        DIGESTS,
        /** That, and what a tag names, and what refers to an image. */
        TAGS
    }

    /** Copies the list and validates the rest. */
    public MirrorConfig {
        tokenRealms = List.copyOf(tokenRealms);
        if (!timeout.isPositive()) {
            throw new InvalidValueException("timeout", "a time of more than 0");
        }
        boolean tls = "https".equals(url.getScheme());
        if (!tls && ca.isPresent()) {
            throw new InvalidValueException("ca", "no certificate authority for a plain http url");
        }
        if (!tls && clientCertificate.isPresent()) {
            throw new InvalidValueException("client-certificate", "no client certificate for a plain http url");
        }
    }
}
