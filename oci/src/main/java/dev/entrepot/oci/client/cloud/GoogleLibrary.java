package dev.entrepot.oci.client.cloud;

import com.google.auth.oauth2.AccessToken;
import com.google.auth.oauth2.ComputeEngineCredentials;
import com.google.auth.oauth2.GoogleCredentials;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * The one place that uses Google's library, which is therefore loaded when a token of Google is needed and not before.
 * What it makes for one token is dropped with it: how long tokens are kept is decided elsewhere.
 */
final class GoogleLibrary {
    private static final String SCOPE = "https://www.googleapis.com/auth/cloud-platform";

    private GoogleLibrary() {}

    /**
     * What the library got.
     *
     * @param value the token
     * @param left how long it is good for, where that is known
     */
    record Got(String value, Optional<Duration> left) {
        @Override
        public String toString() {
            return "Got[" + left + "]";
        }
    }

    /**
     * A token for a file of credentials.
     *
     * @throws IOException if the library can do nothing with the file, or why a request failed
     */
    static Got ofFile(LibraryCalls calls, GoogleFile file) throws IOException {
        GoogleCredentials credentials;
        try {
            byte[] json = file.content().toString().getBytes(StandardCharsets.UTF_8);
            credentials = GoogleCredentials.fromStream(new ByteArrayInputStream(json), () -> new GoogleTransport(calls))
                    .createScoped(List.of(SCOPE));
        } catch (IOException | RuntimeException e) {
            // Its message could quote the file.
            throw file.unusable();
        }
        return got(calls, credentials, file::unusable);
    }

    /**
     * A token of this machine or workload, which the metadata server has.
     *
     * @throws IOException why the request failed
     */
    static Got ofMachine(LibraryCalls calls) throws IOException {
        GoogleCredentials credentials = ComputeEngineCredentials.newBuilder()
                .setHttpTransportFactory(() -> new GoogleTransport(calls))
                .build();
        return got(calls, credentials, () -> new IOException("the metadata server was not asked"));
    }

    private static Got got(LibraryCalls calls, GoogleCredentials credentials, Supplier<IOException> unasked)
            throws IOException {
        AccessToken token;
        try {
            token = credentials.createWithCustomRetryStrategy(false).refreshAccessToken();
        } catch (IOException | RuntimeException e) {
            throw calls.failure(unasked);
        }
        // The library goes by the system's clock, so that only the difference counts.
        Optional<Duration> left = Optional.ofNullable(token.getExpirationTime())
                .map(Date::toInstant)
                .map(end -> Duration.between(Instant.now(), end));
        return new Got(calls.checked(token.getTokenValue()), left);
    }
}
