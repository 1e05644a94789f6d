package dev.entrepot.oci.client.cloud;

import com.microsoft.aad.msal4j.ClientCredentialFactory;
import com.microsoft.aad.msal4j.ClientCredentialParameters;
import com.microsoft.aad.msal4j.ConfidentialClientApplication;
import com.microsoft.aad.msal4j.HttpRequest;
import com.microsoft.aad.msal4j.HttpResponse;
import com.microsoft.aad.msal4j.IAuthenticationResult;
import com.microsoft.aad.msal4j.IClientCredential;
import com.microsoft.aad.msal4j.IHttpClient;
import com.microsoft.aad.msal4j.IHttpResponse;
import com.microsoft.aad.msal4j.ManagedIdentityApplication;
import com.microsoft.aad.msal4j.ManagedIdentityId;
import com.microsoft.aad.msal4j.ManagedIdentityParameters;
import com.microsoft.aad.msal4j.ManagedIdentitySourceType;
import dev.entrepot.oci.client.ServiceClient;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * The one place that uses Microsoft's library (MSAL), which is therefore loaded when a token of Entra is needed and not
 * before. What it makes for one token is dropped with it: how long tokens are kept is decided elsewhere. It never asks
 * which authorities there are: the operator says which one counts.
 */
final class EntraLibrary {
    private EntraLibrary() {}

    /**
     * An application of a directory.
     *
     * @param authority the directory's URL, with {@code https}, since the library knows no other
     * @param clientId its id
     */
    record Application(String authority, String clientId) {}

    /** A token of an application by its secret. */
    static String bySecret(LibraryCalls calls, Application application, String audience, String secret)
            throws IOException {
        return ofApplication(calls, application, audience, ClientCredentialFactory.createFromSecret(secret));
    }

    /**
     * A token of an application by a claim that its certificate signs.
     *
     * @throws IOException if the library takes no such key, too
     */
    static String byCertificate(
            LibraryCalls calls, Application application, String audience, EntraCertificate certificate)
            throws IOException {
        IClientCredential proof;
        try {
            proof = ClientCredentialFactory.createFromCertificateChain(certificate.key(), certificate.chain());
        } catch (RuntimeException e) {
            throw new IOException("an application of Microsoft Entra needs an RSA key of 2048 bits at least");
        }
        return ofApplication(calls, application, audience, proof);
    }

    /** A token of an application by a token that somebody else gave it. */
    static String byAssertion(LibraryCalls calls, Application application, String audience, String assertion)
            throws IOException {
        return ofApplication(
                calls, application, audience, ClientCredentialFactory.createFromClientAssertion(assertion));
    }

    private static String ofApplication(
            LibraryCalls calls, Application application, String audience, IClientCredential proof) throws IOException {
        return token(
                calls,
                threads -> ConfidentialClientApplication.builder(application.clientId(), proof)
                        .authority(application.authority())
                        .validateAuthority(false)
                        .instanceDiscovery(false)
                        .httpClient(http(calls))
                        .disableInternalRetries()
                        .executorService(threads)
                        .build()
                        .acquireToken(ClientCredentialParameters.builder(Set.of(audience + "/.default"))
                                .skipCache(true)
                                .build()));
    }

    /**
     * A token of the machine.
     *
     * @param clientId one of its identities, if not the only one
     */
    static String ofMachine(LibraryCalls calls, String audience, Optional<String> clientId) throws IOException {
        if (ManagedIdentityApplication.getManagedIdentitySource() == ManagedIdentitySourceType.SERVICE_FABRIC) {
            // The library would ask with an HTTP client of its own.
            throw new IOException("identities of Azure Service Fabric are not supported here");
        }
        ManagedIdentityId identity =
                clientId.map(ManagedIdentityId::userAssignedClientId).orElseGet(ManagedIdentityId::systemAssigned);
        return token(
                calls,
                threads -> ManagedIdentityApplication.builder(identity)
                        .httpClient(http(calls))
                        .disableInternalRetries()
                        .executorService(threads)
                        .build()
                        .acquireTokenForManagedIdentity(ManagedIdentityParameters.builder(audience)
                                .forceRefresh(true)
                                .build()));
    }

    @FunctionalInterface
    private interface Asking {
        Future<IAuthenticationResult> on(ExecutorService threads) throws Exception;
    }

    // All exceptions of the library are unchecked, or declared as any.
    private static String token(LibraryCalls calls, Asking asking) throws IOException {
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            return calls.checked(asking.on(threads).get().accessToken());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while waiting for a token of Microsoft Entra");
        } catch (IOException e) {
            throw e;
        } catch (Exception e) {
            // Its message could quote an answer.
            throw calls.failure(() -> new IOException("Microsoft's library refuses what is configured for Entra"));
        }
    }

    private static IHttpClient http(LibraryCalls calls) {
        return request -> response(calls, request);
    }

    private static IHttpResponse response(LibraryCalls calls, HttpRequest request) {
        ServiceClient.Answer answer = calls.send(
                request.httpMethod().toString(),
                request.url().toString(),
                request.headers() == null ? Map.of() : request.headers(),
                request.body() == null ? "" : request.body());
        HttpResponse response = new HttpResponse().statusCode(answer.status()).body(answer.body());
        response.addHeaders(answer.challenge()
                .map(challenge -> Map.of("WWW-Authenticate", List.of(challenge)))
                .orElse(Map.of()));
        return response;
    }
}
