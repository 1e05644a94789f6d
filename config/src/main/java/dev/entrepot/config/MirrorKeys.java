package dev.entrepot.config;

import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.RepositoryName;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** The keys of an entry of {@code mirrors:} of an upstream. */
final class MirrorKeys {
    private static final Key<MirrorConfig, URI> URL = Key.required(
            "url",
            UrlTypes.REGISTRY,
            MirrorConfig::url,
            "Where the mirror's API is. Plain HTTP is spoken if, and only if, the URL says http.");
    private static final Key<MirrorConfig, Optional<RepositoryName>> PREFIX = Key.optional(
            "prefix",
            Types.REPOSITORY,
            MirrorConfig::prefix,
            "What comes before the names of repositories there: with hub, library/alpine is asked for as hub/library/alpine.");
    private static final Key<MirrorConfig, MirrorConfig.Answers> ANSWERS = Key.withDefault(
            "answers",
            Types.word(MirrorConfig.Answers.values()),
            "digests",
            MirrorConfig::answers,
            "What it is believed: digests, content by digest only, which is verified; tags, also what a tag names and what refers to an image.");
    private static final Key<MirrorConfig, Optional<CredentialsConfig>> CREDENTIALS = Key.optional(
            "credentials",
            CredentialsKeys.SECTION,
            MirrorConfig::credentials,
            "How to authenticate to the mirror; anonymous without. Those of the upstream are never sent to it.");
    private static final Key<MirrorConfig, Optional<Path>> CA = Key.optional(
            "ca", Types.FILE, MirrorConfig::ca, "PEM file with authorities to trust in addition to the platform's.");
    private static final Key<MirrorConfig, Optional<ClientCertificate>> CLIENT_CERTIFICATE = Key.optional(
            "client-certificate",
            CredentialsKeys.CLIENT_CERTIFICATE,
            MirrorConfig::clientCertificate,
            "Certificate to show to the mirror.");
    private static final Key<MirrorConfig, Optional<URI>> PROXY =
            Key.optional("proxy", UrlTypes.PROXY, MirrorConfig::proxy, "HTTP proxy to reach the mirror through.");
    private static final Key<MirrorConfig, List<RegistryHost>> TOKEN_REALMS = Key.list(
            "token-realms",
            ListType.of(Types.HOST),
            MirrorConfig::tokenRealms,
            "Hosts, besides the mirror's own, whose token services may be sent its credentials.");
    private static final Key<MirrorConfig, Duration> TIMEOUT = Key.withDefault(
            "timeout",
            Types.DURATION_NOT_ZERO,
            Durations.format(MirrorConfig.DEFAULT_TIMEOUT),
            MirrorConfig::timeout,
            "How long it may take to begin an answer, or pause within one, before the next place is asked.");

    static final Section<MirrorConfig> SECTION = new Section<>(
            "mirror",
            List.of(URL, PREFIX, ANSWERS, CREDENTIALS, CA, CLIENT_CERTIFICATE, PROXY, TOKEN_REALMS, TIMEOUT),
            values -> new MirrorConfig(
                    values.get(URL),
                    values.get(PREFIX),
                    values.get(ANSWERS),
                    values.get(CREDENTIALS),
                    values.get(CA),
                    values.get(CLIENT_CERTIFICATE),
                    values.get(PROXY),
                    values.get(TOKEN_REALMS),
                    values.get(TIMEOUT)));

    private MirrorKeys() {}
}
