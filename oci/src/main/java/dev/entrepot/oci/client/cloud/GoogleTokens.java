package dev.entrepot.oci.client.cloud;

import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.oci.client.Credential;
import dev.entrepot.oci.client.RenewedCredentials.Issued;
import dev.entrepot.oci.client.RenewedCredentials.Issuer;
import dev.entrepot.oci.client.ServiceClient;
import dev.entrepot.oci.client.ServiceRequest;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Optional;
import java.util.Set;

/**
 * Access tokens of Google, the password of the user {@code oauth2accesstoken}. From a file of credentials, the one that
 * is configured, that {@code GOOGLE_APPLICATION_CREDENTIALS} names, or that {@code gcloud auth application-default
 * login} has written; without any, from the metadata server, which on GKE is that of the workload. Google's library
 * gets them ({@link GoogleLibrary}); where it looks and whom it may ask is decided here.
 */
final class GoogleTokens implements Issuer {
    private static final String USER = "oauth2accesstoken";
    private static final String METADATA = "metadata.google.internal";
    private static final Set<String> NEAR =
            Set.of("localhost", "127.0.0.1", "169.254.169.254", "[fd00:ec2::254]", METADATA);

    private final ServiceClient services;
    private final Optional<Path> keyFile;
    private final ClientEnvironment environment;

    GoogleTokens(ServiceClient services, Optional<Path> keyFile, ClientEnvironment environment) {
        this.services = services;
        this.keyFile = keyFile;
        this.environment = environment;
    }

    @Override
    public Issued issue() throws IOException {
        Instant asked = environment.clock().instant();
        Optional<Path> file = file();
        GoogleLibrary.Got token = file.isPresent() ? byFile(file.get()) : byMetadata();
        return new Issued(new Credential.UserPassword(USER, token.value()), Answers.endOf(token.left(), asked));
    }

    private Optional<Path> file() {
        if (keyFile.isPresent()) {
            return keyFile;
        }
        String named = environment.variables().getOrDefault("GOOGLE_APPLICATION_CREDENTIALS", "");
        if (!named.isEmpty()) {
            return Optional.of(Path.of(named));
        }
        String gcloud = environment.variables().getOrDefault("CLOUDSDK_CONFIG", "");
        Path folder = gcloud.isEmpty()
                ? Path.of(environment.variables().getOrDefault("HOME", "/"), ".config", "gcloud")
                : Path.of(gcloud);
        return Optional.of(folder.resolve("application_default_credentials.json"))
                .filter(Files::isRegularFile);
    }

    private GoogleLibrary.Got byFile(Path path) throws IOException {
        GoogleFile file = GoogleFile.read(path, environment.variables());
        String what = "asking Google for an access token";
        return GoogleLibrary.ofFile(new LibraryCalls(services, what, wanted -> allowed(path, wanted)), file);
    }

    // Secrets go to what a file names, so it is HTTPS unless it is on this machine or its link.
    private static ServiceRequest allowed(Path file, ServiceRequest wanted) throws IOException {
        URI url = wanted.uri();
        if ("https".equalsIgnoreCase(url.getScheme())) {
            return wanted;
        }
        if ("http".equalsIgnoreCase(url.getScheme()) && NEAR.contains(String.valueOf(url.getHost()))) {
            // Token services are posted to; what has a token or keys to be exchanged is near.
            return wanted.method().equals("POST") ? wanted : wanted.directly();
        }
        throw new IOException(file + " names a service that is not https");
    }

    private GoogleLibrary.Got byMetadata() throws IOException {
        String what = "asking the metadata server for a Google access token, since there is no file of credentials";
        return GoogleLibrary.ofMachine(new LibraryCalls(services, what, this::atMetadata));
    }

    // The library looks into the variables of the process, which need not be ours.
    private ServiceRequest atMetadata(ServiceRequest wanted) throws IOException {
        String host = environment.variables().getOrDefault("GCE_METADATA_HOST", "");
        try {
            URI url = URI.create("http://" + (host.isEmpty() ? METADATA : host)
                    + wanted.uri().getRawPath());
            return wanted.at(url).directly();
        } catch (IllegalArgumentException e) {
            throw new IOException("GCE_METADATA_HOST is no host");
        }
    }
}
