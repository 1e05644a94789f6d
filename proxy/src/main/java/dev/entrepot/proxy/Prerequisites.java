package dev.entrepot.proxy;

import dev.entrepot.config.AdminAccessConfig;
import dev.entrepot.config.AuthenticationConfig;
import dev.entrepot.config.ClientCertificate;
import dev.entrepot.config.CredentialsConfig;
import dev.entrepot.config.EntrepotConfig;
import dev.entrepot.config.IdentityProviderConfig;
import dev.entrepot.config.MirrorConfig;
import dev.entrepot.config.Origin;
import dev.entrepot.config.ReplicationRuleConfig;
import dev.entrepot.config.ServerConfig;
import dev.entrepot.config.TargetConfig;
import dev.entrepot.config.TokenConfig;
import dev.entrepot.config.UpstreamConfig;
import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.oci.client.FileCredentials;
import dev.entrepot.oci.client.TlsSettings;
import dev.entrepot.proxy.access.PasswordFile;
import dev.entrepot.proxy.access.PemAuthorities;
import dev.entrepot.proxy.access.TokenKeys;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * What a configuration needs besides itself to be served: certificates, keys, password files, and variables of the
 * environment that can be used. They are read as {@code serve} reads them, and all that is wrong is found at once.
 */
final class Prerequisites {
    private final Function<String, Origin> origins;
    private final List<String> problems = new ArrayList<>();

    /** Some of them cannot be used, which no second start changes. The message has one line for each. */
    static final class MissingException extends IOException {
        private static final long serialVersionUID = 1L;

        private MissingException(List<String> problems) {
            super(String.join(System.lineSeparator(), problems));
        }

        private MissingException(String problems, String failure, IOException cause) {
            super(problems + System.lineSeparator() + "(what ended the start: " + failure + ")", cause);
        }

        /** This, found after something had failed, which may have another reason. */
        MissingException after(IOException failure) {
            String problems = String.valueOf(getMessage());
            String words = FailureWords.of(failure);
            return problems.contains(words) ? this : new MissingException(problems, words, failure);
        }
    }

    private interface Reading {
        void read() throws IOException;
    }

    private Prerequisites(Function<String, Origin> origins) {
        this.origins = origins;
    }

    /**
     * Reads what a server needs.
     *
     * @param origins where each path of the configuration was written
     * @throws MissingException if anything cannot be used; the message names place, key, file and what to do
     */
    static void check(EntrepotConfig config, Function<String, Origin> origins, ClientEnvironment environment)
            throws MissingException {
        Prerequisites found = new Prerequisites(origins);
        found.server(config.server());
        config.upstreams().values().forEach(found::upstream);
        found.secrets(config);
        List<ReplicationRuleConfig> rules = config.replication().rules();
        for (int i = 0; i < rules.size(); i++) {
            List<TargetConfig> targets = rules.get(i).targets();
            for (int j = 0; j < targets.size(); j++) {
                found.target(target(i, j), targets.get(j));
            }
        }
        config.tracing()
                .flatMap(tracing -> tracing.ca())
                .ifPresent(ca -> found.read("tracing.ca", () -> PemAuthorities.trusting(ca, "the receiver of traces")));
        if (goesByVariables(config)) {
            found.proxies(environment);
        }
        found.end();
    }

    // Who has a proxy of its own is not held up by variables.
    private static boolean goesByVariables(EntrepotConfig config) {
        boolean upstream = config.upstreams().values().stream()
                .anyMatch(one -> one.proxy().isEmpty()
                        || one.mirrors().stream()
                                .anyMatch(mirror -> mirror.proxy().isEmpty()));
        return upstream
                || config.replication().rules().stream()
                        .flatMap(rule -> rule.targets().stream())
                        .anyMatch(target -> switch (target.destination()) {
                            case TargetConfig.RegistryDestination registry ->
                                registry.proxy().isEmpty();
                            case TargetConfig.LayoutDestination _ -> false;
                        });
    }

    private void proxies(ClientEnvironment environment) {
        try {
            environment.requireUsableProxies();
        } catch (IOException e) {
            problems.add(FailureWords.of(e));
        }
    }

    /**
     * As above, of files with passwords and tokens alone: they are read at each use, so no start fails by one.
     *
     * @throws MissingException if one is empty or cannot be read
     */
    static void checkSecrets(EntrepotConfig config, Function<String, Origin> origins) throws MissingException {
        Prerequisites found = new Prerequisites(origins);
        found.secrets(config);
        found.end();
    }

    /** As above, of the server alone. */
    static void checkServer(ServerConfig server, Function<String, Origin> origins) throws MissingException {
        Prerequisites found = new Prerequisites(origins);
        found.server(server);
        found.end();
    }

    private void end() throws MissingException {
        if (!problems.isEmpty()) {
            throw new MissingException(problems);
        }
    }

    private void read(String key, Reading reading) {
        try {
            reading.read();
        } catch (IOException e) {
            Origin origin = origins.apply(key);
            String place = origin instanceof Origin.Default ? "" : origin + ": ";
            problems.add(place + key + ": " + FailureWords.of(e));
        }
    }

    private void server(ServerConfig server) {
        server.tls().ifPresent(tls -> read("server.tls", () -> ServerCertificate.load(tls)));
        ServedAccess.ofAdmin(server).ifPresent(tls -> read("server.admin-tls", () -> ServerCertificate.load(tls)));
        AuthenticationConfig authentication = server.authentication();
        passwords("server.authentication.htpasswd", authentication.htpasswd());
        authentication
                .token()
                .flatMap(TokenConfig::key)
                .ifPresent(key -> read("server.authentication.token.key", () -> TokenKeys.read(key)));
        List<IdentityProviderConfig> providers = authentication.identityProviders();
        for (int i = 0; i < providers.size(); i++) {
            String at = "server.authentication.identity-providers[" + i + "].ca";
            providers.get(i).ca().ifPresent(ca -> read(at, () -> PemAuthorities.trusting(ca, "an identity provider")));
        }
        AdminAccessConfig admin = server.adminAccess();
        passwords("server.admin-access.htpasswd", admin.htpasswd());
    }

    private void passwords(String key, Optional<Path> file) {
        file.ifPresent(path -> read(key, () -> new PasswordFile(path)));
    }

    private void upstream(UpstreamConfig upstream) {
        String at = "upstreams[" + upstream.name() + "]";
        tls(at, upstream.ca(), upstream.clientCertificate());
        List<MirrorConfig> mirrors = upstream.mirrors();
        for (int i = 0; i < mirrors.size(); i++) {
            MirrorConfig mirror = mirrors.get(i);
            tls(at + ".mirrors[" + i + "]", mirror.ca(), mirror.clientCertificate());
        }
    }

    private static String target(int rule, int number) {
        return "replication.rules[" + rule + "].targets[" + number + "]";
    }

    private void secrets(EntrepotConfig config) {
        for (UpstreamConfig upstream : config.upstreams().values()) {
            String at = "upstreams[" + upstream.name() + "]";
            secret(at, upstream.credentials());
            List<MirrorConfig> mirrors = upstream.mirrors();
            for (int i = 0; i < mirrors.size(); i++) {
                secret(at + ".mirrors[" + i + "]", mirrors.get(i).credentials());
            }
        }
        List<ReplicationRuleConfig> rules = config.replication().rules();
        for (int i = 0; i < rules.size(); i++) {
            List<TargetConfig> targets = rules.get(i).targets();
            for (int j = 0; j < targets.size(); j++) {
                switch (targets.get(j).destination()) {
                    case TargetConfig.RegistryDestination registry -> secret(target(i, j), registry.credentials());
                    case TargetConfig.LayoutDestination _ -> {}
                }
            }
        }
    }

    private void secret(String at, Optional<CredentialsConfig> credentials) {
        credentials.ifPresent(way -> secret(at + ".credentials.", way));
    }

    private void secret(String at, CredentialsConfig credentials) {
        switch (credentials) {
            case CredentialsConfig.UsernamePasswordFile c ->
                read(at + "password-file", () -> FileCredentials.read(c.passwordFile()));
            case CredentialsConfig.IdentityTokenFile c -> secret(at, "identity-token-file", c.file());
            case CredentialsConfig.BearerTokenFile c ->
                read(at + "bearer-token-file", () -> FileCredentials.requireBearerToken(c.file()));
            case CredentialsConfig.Azure c ->
                c.clientSecretFile().ifPresent(file -> secret(at, "client-secret-file", file));
            // What is written in the configuration itself is not empty; the rest finds out when it is asked.
            case CredentialsConfig.UsernamePassword _,
                    CredentialsConfig.IdentityToken _,
                    CredentialsConfig.BearerToken _,
                    CredentialsConfig.DockerConfig _,
                    CredentialsConfig.Exec _,
                    CredentialsConfig.Ecr _,
                    CredentialsConfig.Google _ -> {}
        }
    }

    private void secret(String at, String key, Path file) {
        read(at + key, () -> FileCredentials.readLine(file));
    }

    private void target(String at, TargetConfig target) {
        switch (target.destination()) {
            case TargetConfig.RegistryDestination registry -> tls(at, registry.ca(), registry.clientCertificate());
            case TargetConfig.LayoutDestination _ -> {}
        }
    }

    private void tls(String at, Optional<Path> ca, Optional<ClientCertificate> certificate) {
        ca.ifPresent(file ->
                read(at + ".ca", () -> TlsSettings.DEFAULT.withAuthorities(file).requireUsable()));
        certificate.ifPresent(own -> read(
                at + ".client-certificate",
                () -> TlsSettings.DEFAULT
                        .withClientCertificate(own.certificate(), own.key())
                        .requireUsable()));
    }
}
