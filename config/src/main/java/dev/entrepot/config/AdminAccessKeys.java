package dev.entrepot.config;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** The keys of {@code server.admin-access:}. */
final class AdminAccessKeys {
    private static final Key<AdminAccessConfig, Boolean> ANONYMOUS = Key.withDefault(
            "anonymous",
            Types.BOOL,
            "false",
            AdminAccessConfig::anonymous,
            "Whether everybody may use the admin API who reaches it, although it listens on no loopback address.");
    private static final Key<AdminAccessConfig, List<AdminAccessConfig.Open>> OPEN = Key.list(
            "open",
            ListType.of(Types.word(AdminAccessConfig.Open.values())),
            AdminAccessConfig::open,
            "What everybody may see in any case, for probes and Prometheus.");
    private static final Key<AdminAccessConfig, Optional<Path>> HTPASSWD = Key.optional(
            "htpasswd",
            Types.FILE,
            AdminAccessConfig::htpasswd,
            "File with users and bcrypt hashes of their passwords, for people and browsers (Basic). It is read again when it changes.");
    private static final Key<AdminAccessConfig, Optional<Path>> CLIENT_CA = Key.optional(
            "client-ca",
            Types.FILE,
            AdminAccessConfig::clientCa,
            "PEM file with the authorities of clients' certificates, where admin-tls is set. The common name of a client's certificate is its user.");
    private static final Key<AdminAccessConfig, TlsConfig.ClientCertificates> CLIENT_CERTIFICATES = Key.withDefault(
            "client-certificates",
            Types.word(TlsConfig.ClientCertificates.values()),
            "optional",
            AdminAccessConfig::clientCertificates,
            "Whether a client may or must have a certificate, where client-ca is set. The commands of this program on the same data folder, and what is open, need none.");
    private static final Key<AdminAccessConfig, List<String>> OPERATORS = Key.list(
            "operators",
            ListType.notEmpty(Types.TEXT),
            AdminAccessConfig::operators,
            "The users, of that file and of certificates, who may change things; the others may read. All of them without this key.");
    private static final Key<AdminAccessConfig, Optional<Secret>> READ_TOKEN = Key.optional(
            "read-token",
            Types.TOKEN,
            AdminAccessConfig::readToken,
            "A bearer token that may read: metrics and every GET. Best as ${env:NAME} or ${file:path}.");
    private static final Key<AdminAccessConfig, Optional<Secret>> OPERATE_TOKEN = Key.optional(
            "operate-token",
            Types.TOKEN,
            AdminAccessConfig::operateToken,
            "A bearer token that may read and change things.");
    static final Section<AdminAccessConfig> SECTION = new Section<>(
            "admin access",
            List.of(ANONYMOUS, OPEN, HTPASSWD, CLIENT_CA, CLIENT_CERTIFICATES, OPERATORS, READ_TOKEN, OPERATE_TOKEN),
            values -> new AdminAccessConfig(
                    values.get(ANONYMOUS),
                    values.get(OPEN),
                    values.get(HTPASSWD),
                    values.get(CLIENT_CA),
                    values.get(CLIENT_CERTIFICATES),
                    values.get(OPERATORS),
                    values.get(READ_TOKEN),
                    values.get(OPERATE_TOKEN)));

    private AdminAccessKeys() {}
}
