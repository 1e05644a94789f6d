package dev.entrepot.proxy.access;

import dev.entrepot.config.AuthenticationConfig;
import dev.entrepot.config.EntrepotConfig;
import dev.entrepot.config.IdentityProviderConfig;
import dev.entrepot.config.ServerConfig;
import dev.entrepot.config.TlsConfig;
import dev.entrepot.config.TokenConfig;
import java.io.IOException;
import java.net.http.HttpClient;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.LongSupplier;
import javax.net.ssl.SSLContext;

/**
 * What stands before the registry API, made from the configuration. Closing it ends the connections to identity
 * providers.
 */
public final class ClientAccess implements AutoCloseable {
    private static final Duration CONNECT = Duration.ofSeconds(5);

    private final List<HttpClient> clients = new ArrayList<>();
    private final GuessLimit guesses;
    private final Optional<Passwords> passwords;
    private final ClientGate gate;

    /**
     * The world around.
     *
     * @param clock the time of day
     * @param nanoClock a clock for durations
     * @param random what nobody can foresee
     * @param local the token of commands on the data folder
     */
    public record World(InstantSource clock, LongSupplier nanoClock, SecureRandom random, String local) {
        byte[] secret() {
            byte[] secret = new byte[32];
            random.nextBytes(secret);
            return secret;
        }

        @Override
        public String toString() {
            return "World[]";
        }
    }

    /**
     * Reads what the configuration names.
     *
     * @param files has the files read again that change
     * @throws IOException if a file cannot be read; the message names it
     */
    public ClientAccess(EntrepotConfig config, WatchedFiles files, World world) throws IOException {
        ServerConfig server = config.server();
        AuthenticationConfig authentication = server.authentication();
        this.guesses = new GuessLimit(world.secret(), world.nanoClock());
        this.passwords = passwords(authentication, files, world);
        Optional<OwnTokens> own = Optional.empty();
        if (authentication.token().isPresent()) {
            own = Optional.of(tokens(authentication.token().get(), world));
        }
        List<IdentityProvider> providers = new ArrayList<>();
        for (IdentityProviderConfig provider : authentication.identityProviders()) {
            HttpClient http = http(provider);
            clients.add(http);
            providers.add(new IdentityProvider(provider, http, world.clock(), world.nanoClock()));
        }
        ClientGate.Parts parts = new ClientGate.Parts(
                passwords,
                new JsonWebTokens(own, providers, world.secret(), world.clock(), world.nanoClock()),
                own,
                server.tls().flatMap(TlsConfig::clientCa).isPresent(),
                authentication.isConfigured(),
                authentication.token().map(TokenConfig::service).orElse("entrepot"),
                authentication.token().flatMap(TokenConfig::realm),
                world.local());
        this.gate = new ClientGate(parts, authentication.groups(), config.access());
    }

    private Optional<Passwords> passwords(AuthenticationConfig authentication, WatchedFiles files, World world)
            throws IOException {
        if (authentication.htpasswd().isEmpty()) {
            return Optional.empty();
        }
        WatchedFiles.Contents before =
                WatchedFiles.contents(List.of(authentication.htpasswd().get()));
        PasswordFile file = new PasswordFile(authentication.htpasswd().get());
        files.add("the password file", before, file::read);
        return Optional.of(new Passwords(file, guesses, world.nanoClock()));
    }

    private static OwnTokens tokens(TokenConfig config, World world) throws IOException {
        return new OwnTokens(
                config.service(),
                config.expires(),
                config.key().isPresent() ? TokenKeys.read(config.key().get()) : TokenKeys.made(),
                world.clock(),
                world.random());
    }

    private static HttpClient http(IdentityProviderConfig provider) throws IOException {
        HttpClient.Builder builder = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .followRedirects(HttpClient.Redirect.NEVER)
                .connectTimeout(CONNECT);
        if (provider.ca().isPresent()) {
            builder.sslContext(trusting(provider.ca().get()));
        }
        return builder.build();
    }

    private static SSLContext trusting(Path file) throws IOException {
        try {
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(null, PemAuthorities.trusting(file, "an identity provider"), null);
            return context;
        } catch (GeneralSecurityException e) {
            throw new IOException("the authorities in " + file + " cannot be used: " + e.getMessage(), e);
        }
    }

    /** What stands before the registry API. */
    public ClientGate gate() {
        return gate;
    }

    /** How often a password was checked against its hash. */
    public long passwordChecks() {
        return passwords.map(Passwords::checks).orElse(0L);
    }

    /** What bounds wrong passwords. */
    public GuessLimit guesses() {
        return guesses;
    }

    @Override
    public void close() {
        clients.forEach(HttpClient::shutdownNow);
    }
}
