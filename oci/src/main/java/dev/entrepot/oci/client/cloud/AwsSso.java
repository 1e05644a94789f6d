package dev.entrepot.oci.client.cloud;

import dev.entrepot.oci.EcrRegistry;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.UnauthorizedException;
import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.oci.client.ServiceClient;
import dev.entrepot.oci.client.ServiceRequest;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The keys of a profile of IAM Identity Center (AWS SSO): {@code GetRoleCredentials} of its portal, for the access token that {@code aws sso login}
 * has left in the folder of this user, and that is renewed with the refresh token beside it where there is one ({@code CreateToken} of its OIDC
 * service). Nobody is logged in here: where nothing that is good is left, the message says so. Hosts are made of the region in the profile and of
 * nothing else.
 */
final class AwsSso {
    private static final Logger LOG = LoggerFactory.getLogger(AwsSso.class);
    // As AWS's own tools: what ends so soon is renewed, and used to its end if it cannot be.
    private static final Duration SOON = Duration.ofMinutes(5);
    private static final Pattern ACCOUNT = Pattern.compile("[0-9]{12}");
    private static final Pattern ROLE = Pattern.compile("[A-Za-z0-9+=,.@_-]{1,64}");

    private final ServiceClient services;
    private final ClientEnvironment environment;
    private final Map<String, String> variables;
    private final Map<AwsSsoCache, AwsSsoCache.Entry> renewals = new ConcurrentHashMap<>();

    AwsSso(ServiceClient services, ClientEnvironment environment) {
        this.services = services;
        this.environment = environment;
        this.variables = environment.variables();
    }

    /** Whose keys, and by whose login. */
    private record Login(String profile, String region, String account, String role, AwsSsoCache cache) {
        /** What a person has to do, for the end of a message. */
        String remedy() {
            return "; log in with: aws sso login --profile " + profile;
        }
    }

    /** Whether a profile is one of IAM Identity Center. */
    static boolean isNamedBy(Map<String, String> profile) {
        return profile.containsKey("sso_session") || profile.containsKey("sso_start_url");
    }

    /**
     * The keys of the role that a profile names.
     *
     * @throws dev.entrepot.oci.RegistryException if AWS refuses them, or does not answer
     * @throws IOException if the profile lacks something, or nobody is logged in
     */
    AwsKeys keys(AwsFiles files, String name) throws IOException {
        Login login = login(files, name);
        String token = token(login);
        ServiceRequest request = ServiceRequest.of(
                        "asking IAM Identity Center for the keys of the AWS profile " + name,
                        "GET",
                        URI.create(api("AWS_ENDPOINT_URL_SSO", "portal.sso", login.region())
                                        .resolve("/federation/credentials")
                                + "?"
                                + new Form()
                                        .with("role_name", login.role())
                                        .with("account_id", login.account())
                                        .encoded()))
                .with("Accept", "application/json")
                .with("x-amz-sso_bearer_token", token);
        try {
            var lent = services.json(request).path("roleCredentials");
            return new AwsKeys(
                    Answers.token(request, lent, "accessKeyId"),
                    Answers.token(request, lent, "secretAccessKey"),
                    Optional.of(Answers.token(request, lent, "sessionToken")));
        } catch (UnauthorizedException e) {
            // 401: the login has ended there before its time; 403: this account or role is not for this person.
            String remedy = e.status() == 401 ? login.remedy() : "";
            throw new UnauthorizedException(e.status(), e.getMessage() + remedy);
        }
    }

    private Login login(AwsFiles files, String name) throws IOException {
        Map<String, String> profile = files.profile(name);
        Optional<String> session = Optional.ofNullable(profile.get("sso_session"));
        Map<String, String> settings = profile;
        if (session.isPresent()) {
            settings = files.sessions().getOrDefault(session.get(), Map.of());
            if (settings.isEmpty()) {
                throw new IOException("the AWS profile " + name + " names the sso-session " + session.get()
                        + ", which is not in the AWS configuration file");
            }
        }
        String startUrl = setting(settings, "sso_start_url", name);
        String region = setting(settings, "sso_region", name);
        String account = setting(profile, "sso_account_id", name);
        String role = setting(profile, "sso_role_name", name);
        if (!EcrRegistry.isRegion(region)
                || !ACCOUNT.matcher(account).matches()
                || !ROLE.matcher(role).matches()) {
            throw new IOException(
                    "the AWS profile " + name + " has an sso_region, sso_account_id or sso_role_name that is none");
        }
        return new Login(
                name, region, account, role, AwsSsoCache.of(AwsFiles.home(variables), session.orElse(startUrl)));
    }

    private static String setting(Map<String, String> settings, String key, String profile) throws IOException {
        String value = settings.getOrDefault(key, "");
        if (value.isEmpty()) {
            throw new IOException("the AWS profile " + profile + " is one of IAM Identity Center and lacks " + key);
        }
        return value;
    }

    private String token(Login login) throws IOException {
        Instant now = environment.clock().instant();
        AwsSsoCache.Entry entry = later(login.cache().read(), Optional.ofNullable(renewals.get(login.cache())))
                .orElseThrow(() -> new IOException("nobody is logged in for the AWS profile " + login.profile() + " ("
                        + login.cache().file() + " is not there)" + login.remedy()));
        if (now.isBefore(entry.expiresAt().minus(SOON))) {
            return entry.accessToken();
        }
        if (entry.isRenewableAt(now)) {
            Optional<String> renewed = renewed(login, entry, now);
            if (renewed.isPresent()) {
                return renewed.get();
            }
        }
        if (now.isBefore(entry.expiresAt())) {
            return entry.accessToken();
        }
        throw new IOException("the login for the AWS profile " + login.profile() + " ended at " + entry.expiresAt()
                + " (" + login.cache().file() + ")" + login.remedy());
    }

    // The file may be older than what was renewed here and could not be written, or newer: by another login.
    private static Optional<AwsSsoCache.Entry> later(
            Optional<AwsSsoCache.Entry> file, Optional<AwsSsoCache.Entry> memory) {
        return file.filter(entry -> memory.isEmpty()
                        || !entry.expiresAt().isBefore(memory.get().expiresAt()))
                .or(() -> file.isEmpty() ? file : memory);
    }

    // Empty if AWS renews it no more, or not now while the token at hand is still good.
    private Optional<String> renewed(Login login, AwsSsoCache.Entry entry, Instant now) throws IOException {
        ServiceRequest request = ServiceRequest.of(
                        "renewing the login for the AWS profile " + login.profile(),
                        "POST",
                        api("AWS_ENDPOINT_URL_SSO_OIDC", "oidc", login.region()).resolve("/token"))
                .with("Accept", "application/json")
                .withBody(
                        "application/json",
                        OciJson.mapper()
                                .writeValueAsString(Map.of(
                                        "clientId", entry.clientId().orElseThrow(),
                                        "clientSecret", entry.clientSecret().orElseThrow(),
                                        "grantType", "refresh_token",
                                        "refreshToken", entry.refreshToken().orElseThrow())));
        try {
            var answer = services.json(request);
            AwsSsoCache.Entry renewal = entry.with(
                    Answers.token(request, answer, "accessToken"),
                    Answers.endOf(answer.path("expiresIn"), now),
                    Answers.text(answer, "refreshToken"));
            renewals.put(login.cache(), renewal);
            login.cache().write(renewal);
            return Optional.of(renewal.accessToken());
        } catch (UnauthorizedException e) {
            // Another upstream of this process, or one of AWS's tools, may have renewed it just now.
            Optional<AwsSsoCache.Entry> other = login.cache()
                    .read()
                    .filter(later -> now.isBefore(later.expiresAt().minus(SOON)));
            if (other.isEmpty()) {
                LOG.warn("{}{}", e.getMessage(), login.remedy());
            }
            return other.map(AwsSsoCache.Entry::accessToken);
        } catch (OutageException e) {
            if (now.isBefore(entry.expiresAt())) {
                return Optional.empty();
            }
            throw e;
        }
    }

    private URI api(String variable, String service, String region) throws IOException {
        String other = variables.getOrDefault(variable, "");
        return other.isEmpty()
                ? URI.create("https://" + service + "." + region + "." + EcrRegistry.domain(region) + "/")
                : Answers.url(variable, other);
    }
}
