package dev.entrepot.config;

import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The keys of {@code server.authentication:}. */
final class AuthenticationKeys {
    private static final Key<TokenConfig, String> SERVICE = Key.withDefault(
            "service",
            Types.TEXT,
            "entrepot",
            TokenConfig::service,
            "What this service is called in challenges and tokens. Servers that share a key must share it too.");
    private static final Key<TokenConfig, Optional<URI>> REALM = Key.<TokenConfig, URI>optional(
                    "realm",
                    UrlTypes.WEBHOOK,
                    TokenConfig::realm,
                    "Where clients reach the token endpoint; to be set where something in front of this server ends TLS.")
            .shownDefault("/token under the name that the client used for this server");
    private static final Key<TokenConfig, Duration> EXPIRES = Key.withDefault(
            "expires", Types.DURATION, "5m", TokenConfig::expires, "How long a token is good, from 1m to 24h.");
    private static final Key<TokenConfig, Optional<Path>> KEY = Key.<TokenConfig, Path>optional(
                    "key",
                    Types.FILE,
                    TokenConfig::key,
                    "PEM file (PKCS#8) with the private key that signs tokens: EC on P-256, or RSA of 2048 bits or more.")
            .shownDefault("a new key at each start");
    private static final Section<TokenConfig> TOKEN_SECTION = new Section<>(
            "tokens",
            List.of(SERVICE, REALM, EXPIRES, KEY),
            values -> new TokenConfig(values.get(SERVICE), values.get(REALM), values.get(EXPIRES), values.get(KEY)));

    private static final Key<IdentityProviderConfig, URI> ISSUER = Key.required(
            "issuer", UrlTypes.WEBHOOK, IdentityProviderConfig::issuer, "What the claim iss must be, to the letter.");
    private static final Key<IdentityProviderConfig, List<String>> AUDIENCES = Key.list(
            "audiences",
            ListType.notEmpty(Types.TEXT),
            IdentityProviderConfig::audiences,
            "Of these, the claim aud must have one: tokens for others are refused. At least one.");
    private static final Key<IdentityProviderConfig, Optional<URI>> KEYS = Key.<IdentityProviderConfig, URI>optional(
                    "keys",
                    UrlTypes.WEBHOOK,
                    IdentityProviderConfig::keys,
                    "Where the provider's public keys are (a JWK set).")
            .shownDefault("what .well-known/openid-configuration of the issuer says");
    private static final Key<IdentityProviderConfig, Optional<Path>> CA = Key.<IdentityProviderConfig, Path>optional(
                    "ca",
                    Types.FILE,
                    IdentityProviderConfig::ca,
                    "PEM file with the authority of the provider's certificate.")
            .shownDefault("the public ones");
    private static final Key<IdentityProviderConfig, String> USER_CLAIM = Key.withDefault(
            "user-claim", Types.TEXT, "sub", IdentityProviderConfig::userClaim, "The claim that is the user's name.");
    private static final Key<IdentityProviderConfig, String> GROUPS_CLAIM = Key.withDefault(
            "groups-claim",
            Types.TEXT,
            "groups",
            IdentityProviderConfig::groupsClaim,
            "The claim with the user's groups: a list of texts, or one text.");
    private static final Key<IdentityProviderConfig, Optional<String>> PREFIX =
            Key.<IdentityProviderConfig, String>optional(
                            "prefix",
                            Types.TEXT,
                            provider -> Optional.of(provider.prefix()).filter(text -> !text.isEmpty()),
                            "Put before names of users and groups, so that the provider's alice is not the htpasswd file's.")
                    .shownDefault("nothing");
    private static final Section<IdentityProviderConfig> PROVIDER_SECTION = new Section<>(
            "identity provider",
            List.of(ISSUER, AUDIENCES, KEYS, CA, USER_CLAIM, GROUPS_CLAIM, PREFIX),
            values -> new IdentityProviderConfig(
                    values.get(ISSUER),
                    values.get(AUDIENCES),
                    values.get(KEYS),
                    values.get(CA),
                    values.get(USER_CLAIM),
                    values.get(GROUPS_CLAIM),
                    values.get(PREFIX).orElse("")));

    private static final Key<AuthenticationConfig, Optional<Path>> HTPASSWD = Key.optional(
            "htpasswd",
            Types.FILE,
            AuthenticationConfig::htpasswd,
            "File with users and bcrypt hashes of their passwords, as htpasswd -B writes it. It is read again when it changes.");
    private static final Key<AuthenticationConfig, Map<String, List<String>>> GROUPS = Key.map(
            "groups",
            new MapType<>(Types.TEXT, ListType.of(Types.TEXT)),
            AuthenticationConfig::groups,
            "Groups for the rules of access, with the users in each.");
    private static final Key<AuthenticationConfig, Optional<TokenConfig>> TOKEN = Key.optional(
            "token",
            TOKEN_SECTION,
            AuthenticationConfig::token,
            "Tokens that this process gives out at /token, as Docker Hub does; without this key clients send the password with each request.");
    private static final Key<AuthenticationConfig, List<IdentityProviderConfig>> PROVIDERS = Key.list(
            "identity-providers",
            ListType.of(PROVIDER_SECTION),
            AuthenticationConfig::identityProviders,
            "Whose JSON Web Tokens are accepted, as bearer token or in place of a password. An issuer may be there several times, for different audiences; of a token for several, the first entry that has one decides.");
    static final Section<AuthenticationConfig> SECTION = new Section<>(
            "authentication", List.of(HTPASSWD, GROUPS, TOKEN, PROVIDERS), AuthenticationKeys::authentication);

    private AuthenticationKeys() {}

    private static AuthenticationConfig authentication(SectionValues values) {
        refuseSameTokens(values.get(PROVIDERS), values.reading());
        return new AuthenticationConfig(
                values.get(HTPASSWD), values.get(GROUPS), values.get(TOKEN), values.get(PROVIDERS));
    }

    // Of two that are for the same tokens, the second would never be asked.
    private static void refuseSameTokens(List<IdentityProviderConfig> providers, Reading reading) {
        Map<List<String>, IdentityProviderConfig> owners = new HashMap<>();
        for (IdentityProviderConfig provider : providers) {
            for (int i = 0; i < provider.audiences().size(); i++) {
                String audience = provider.audiences().get(i);
                IdentityProviderConfig first =
                        owners.putIfAbsent(List.of(provider.issuer().toString(), audience), provider);
                if (first != null && first != provider) {
                    reading.conflict(
                            reading.pathOf(provider) + ".audiences[" + i + "]",
                            reading.pathOf(first) + " has this audience of the same issuer already, and decides who its"
                                    + " tokens are for; write each audience of an issuer in one entry only");
                }
            }
        }
    }
}
