package dev.entrepot.oci.client.cloud;

import dev.entrepot.oci.EcrRegistry;
import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.oci.client.ServiceClient;
import dev.entrepot.oci.client.ServiceRequest;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Has AWS lend the keys of a role (Security Token Service, version 2011-06-15). */
final class AwsSts {
    private static final String VERSION = "2011-06-15";

    private final ServiceClient services;
    private final ClientEnvironment environment;
    private final String region;

    AwsSts(ServiceClient services, ClientEnvironment environment, String region) {
        this.services = services;
        this.environment = environment;
        this.region = region;
    }

    /** The keys of a role for keys that may take it on. */
    AwsKeys assumeRole(AwsKeys own, String role, String session, Optional<String> externalId) throws IOException {
        ServiceRequest request = request(form("AssumeRole", role, session).with("ExternalId", externalId));
        SignatureV4 signature = new SignatureV4(own, region, "sts");
        return lent(signature.sign(request, environment.clock().instant()));
    }

    /** The keys of a role for a token of somebody whom the role trusts; the request is not signed. */
    AwsKeys assumeRoleWithWebIdentity(Path tokenFile, String role, String session) throws IOException {
        return lent(request(
                form("AssumeRoleWithWebIdentity", role, session).with("WebIdentityToken", Answers.file(tokenFile))));
    }

    private static Form form(String action, String role, String session) {
        return new Form()
                .with("Action", action)
                .with("Version", VERSION)
                .with("RoleArn", role)
                .with("RoleSessionName", session);
    }

    private ServiceRequest request(Form form) throws IOException {
        String other = environment.variables().getOrDefault("AWS_ENDPOINT_URL_STS", "");
        URI url = other.isEmpty()
                ? URI.create("https://sts." + region + "." + EcrRegistry.domain(region) + "/")
                : Answers.url("AWS_ENDPOINT_URL_STS", other);
        return ServiceRequest.of("asking AWS for the keys of a role", "POST", url)
                .withBody(Form.TYPE, form.encoded());
    }

    private AwsKeys lent(ServiceRequest request) throws IOException {
        String xml = services.ok(request);
        return new AwsKeys(
                element(request, xml, "AccessKeyId"),
                element(request, xml, "SecretAccessKey"),
                Optional.of(element(request, xml, "SessionToken")));
    }

    // The answer is XML of one known shape, whose values are letters, digits and a few signs that XML does not escape.
    private static String element(ServiceRequest request, String xml, String name) throws IOException {
        Matcher matcher = Pattern.compile("<" + name + ">\\s*([A-Za-z0-9+/=_.-]+)\\s*</" + name + ">")
                .matcher(xml);
        if (!matcher.find()) {
            throw ServiceClient.unusable(request);
        }
        return matcher.group(1);
    }
}
