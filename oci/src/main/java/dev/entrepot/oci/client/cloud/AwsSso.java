package dev.entrepot.oci.client.cloud;

import dev.entrepot.oci.EcrRegistry;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.UnauthorizedException;
import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.oci.client.ServiceClient;
import dev.entrepot.oci.client.ServiceRequest;
import dev.entrepot.oci.client.SharedLogins;
import dev.entrepot.oci.client.StoredLogin;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The keys of a profile of IAM Identity Center (AWS SSO): {@code GetRoleCredentials} of its portal, for the access
 * token that {@code aws sso login} has left in the folder of this user, and that is renewed with the refresh token
 * beside it where there is one ({@code CreateToken} of its OIDC service). Nobody is logged in here: where nothing that
 * is good is left, the message says so. Hosts are made of the region in the profile and of nothing else.
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

    /**
     * Whether a profile has keys by IAM Identity Center; one that names a session alone is logged in for other things.
     */
    static boolean isNamedBy(Map<String, String> profile) {
        return (profile.containsKey("sso_session") || profile.containsKey("sso_start_url"))
                && (profile.containsKey("sso_account_id") || profile.containsKey("sso_role_name"));
    }

    /**
     * The keys of the role that a profile names.
     *
     * @throws dev.entrepot.oci.RegistryException if AWS refuses them, or does not answer
     * @throws IOException if the profile lacks something, nobody is logged in, or the login has ended and is not
     *     renewed
     */
    AwsKeys keys(AwsFiles files, String name) throws IOException {
        Login login = login(files, name);
        String token = token(login, Optional.empty());
        Optional<AwsKeys> keys = lent(login, token);
        if (keys.isEmpty()) {
            keys = lent(login, token(login, Optional.of(token)));
        }
        return keys.orElseThrow(() -> refused(login));
    }

    // Empty if the login has ended there before its time: 401. That this account or role is not for this person is 403.
    private Optional<AwsKeys> lent(Login login, String token) throws IOException {
        ServiceRequest request = ServiceRequest.of(
                        "asking IAM Identity Center for the keys of the AWS profile " + login.profile(),
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
        ServiceClient.Answer answer = services.send(request);
        if (answer.status() == 401) {
            return Optional.empty();
        }
        if (answer.status() != 200) {
            throw services.failure(request, answer);
        }
        var lent = ServiceClient.parsed(request, answer.body()).path("roleCredentials");
        return Optional.of(new AwsKeys(
                Answers.token(request, lent, "accessKeyId"),
                Answers.token(request, lent, "secretAccessKey"),
                Optional.of(Answers.token(request, lent, "sessionToken"))));
    }

    private static IOException refused(Login login) {
        return new IOException("IAM Identity Center answered 401: the login for the AWS profile " + login.profile()
                + " was ended there before its time (" + login.cache().file() + ")" + login.remedy());
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

    // One that was refused is good for nothing, whatever its end.
    private String token(Login login, Optional<String> refused) throws IOException {
        SharedLogins.OfFile shared = environment.logins().of(login.cache().file());
        StoredLogin atHand = shared.atHand(inFile(login));
        return isFresh(atHand, refused)
                ? atHand.accessToken()
                // Another upstream of this process may be renewing it.
                : shared.alone(() -> tokenAlone(login, shared, refused));
    }

    private String tokenAlone(Login login, SharedLogins.OfFile shared, Optional<String> refused) throws IOException {
        StoredLogin file = inFile(login);
        StoredLogin entry = shared.atHand(file);
        if (isFresh(entry, refused)) {
            return entry.accessToken();
        }
        Instant now = environment.clock().instant();
        boolean good = now.isBefore(entry.expiresAt()) && !isRefused(entry, refused);
        if (entry.isRenewableAt(now)) {
            try {
                Optional<StoredLogin> renewed = renewed(login, entry);
                if (renewed.isPresent()) {
                    shared.renewed(file, renewed.get());
                    login.cache().write(renewed.get());
                    return renewed.get().accessToken();
                }
                // One of AWS's tools, or another process, may have renewed it just now.
                Optional<StoredLogin> other = login.cache().read().filter(later -> isFresh(later, refused));
                if (other.isPresent()) {
                    return other.get().accessToken();
                }
                LOG.warn("the login for the AWS profile {} is not renewed any more{}", login.profile(), login.remedy());
            } catch (OutageException e) {
                if (!good) {
                    throw e;
                }
            }
        }
        if (good) {
            return entry.accessToken();
        }
        throw isRefused(entry, refused) ? refused(login) : ended(login, entry);
    }

    private static IOException ended(Login login, StoredLogin entry) {
        String end = entry.expiresAt().equals(AwsSsoCache.NO_END)
                ? "has no expiresAt that can be read"
                : "ended at " + entry.expiresAt();
        return new IOException("the login for the AWS profile " + login.profile() + " " + end + " ("
                + login.cache().file() + ")" + login.remedy());
    }

    private boolean isFresh(StoredLogin entry, Optional<String> refused) {
        return environment.clock().instant().isBefore(entry.expiresAt().minus(SOON)) && !isRefused(entry, refused);
    }

    private static boolean isRefused(StoredLogin entry, Optional<String> refused) {
        return refused.filter(entry.accessToken()::equals).isPresent();
    }

    private static StoredLogin inFile(Login login) throws IOException {
        return login.cache()
                .read()
                .orElseThrow(() -> new IOException("nobody is logged in for the AWS profile " + login.profile() + " ("
                        + login.cache().file() + " is not there)" + login.remedy()));
    }

    // Empty if AWS renews it no more.
    private Optional<StoredLogin> renewed(Login login, StoredLogin entry) throws IOException {
        Instant now = environment.clock().instant();
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
            return Optional.of(entry.with(
                    Answers.token(request, answer, "accessToken"),
                    Answers.endOf(answer.path("expiresIn"), now),
                    Answers.text(answer, "refreshToken")));
        } catch (UnauthorizedException e) {
            LOG.info("{}", e.getMessage());
            return Optional.empty();
        }
    }

    private URI api(String variable, String service, String region) throws IOException {
        String other = variables.getOrDefault(variable, "");
        return other.isEmpty()
                ? URI.create("https://" + service + "." + region + "." + EcrRegistry.domain(region) + "/")
                : Answers.url(variable, other);
    }
}
