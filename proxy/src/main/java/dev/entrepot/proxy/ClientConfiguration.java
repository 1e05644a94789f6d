package dev.entrepot.proxy;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The settings with which a client pulls through this server: files, where each goes, and what to restart then. How
 * each kind of client names the registry that it wants differs: containerd by {@code ?ns=}, those that read
 * {@code registries.conf} and BuildKit by the first part of the path, Docker not at all.
 */
final class ClientConfiguration {
    private final MirrorAddress address;
    private final List<Registry> registries;
    private final Optional<String> byDefault;

    /**
     * The settings for one server.
     *
     * @param address how clients reach it
     * @param registries the registries to pull through it
     * @param byDefault the registry that it takes where a request names none
     */
    ClientConfiguration(MirrorAddress address, List<Registry> registries, Optional<String> byDefault) {
        this.address = address;
        this.registries = List.copyOf(registries);
        this.byDefault = byDefault;
    }

    /**
     * A registry.
     *
     * @param name its name in references
     * @param aliases other names of it in paths
     */
    record Registry(String name, List<String> aliases) {
        /** Copies the list. */
        Registry {
            aliases = List.copyOf(aliases);
        }

        /** What means it in a path that must be a reference: one has no colon before the tag. Empty if nothing does. */
        Optional<String> component() {
            return name.indexOf(':') < 0 ? Optional.of(name) : aliases.stream().findFirst();
        }
    }

    /** A kind of client. */
    enum Client {
        DOCKER(ClientConfiguration::docker),
        CONTAINERD(ClientConfiguration::containerd),
        CRIO(settings -> settings.registriesConf("systemctl restart crio")),
        PODMAN(settings -> settings.registriesConf("nothing: read at each command")),
        BUILDKIT(ClientConfiguration::buildkit),
        K3S(ClientConfiguration::k3s),
        KIND(ClientConfiguration::kind);

        private final Function<ClientConfiguration, List<ConfigurationFile>> files;

        Client(Function<ClientConfiguration, List<ConfigurationFile>> files) {
            this.files = files;
        }

        /** The name on the command line. */
        String label() {
            return name().toLowerCase(Locale.ROOT);
        }

        /** All names, in alphabetical order. */
        static List<String> labels() {
            return Arrays.stream(values()).map(Client::label).sorted().toList();
        }

        /** The client of a name, if there is one. */
        static Optional<Client> of(String label) {
            return Arrays.stream(values()).filter(c -> c.label().equals(label)).findFirst();
        }
    }

    /**
     * The files for a client; none if this server can do nothing for it, which is Docker's case without a default
     * upstream.
     */
    List<ConfigurationFile> files(Client client) {
        return client.files.apply(this);
    }

    // Docker mirrors Docker Hub alone and names no registry, so the default upstream must be Docker Hub.
    private List<ConfigurationFile> docker() {
        if (!byDefault.equals(Optional.of("docker.io"))
                || registries.stream().noneMatch(registry -> registry.name().equals("docker.io"))) {
            return List.of();
        }
        return List.of(new ConfigurationFile(
                "/etc/docker/daemon.json", "systemctl restart docker", """
                {
                  "registry-mirrors": ["%s"]
                }
                """.formatted(address.url())));
    }

    private Stream<String> names() {
        return registries.stream().map(Registry::name);
    }

    private List<ConfigurationFile> containerd() {
        return names().map(registry -> hostsToml(
                        "/etc/containerd/certs.d/" + folder(registry) + "/hosts.toml",
                        "nothing, if config_path of the CRI plugin is /etc/containerd/certs.d",
                        registry))
                .toList();
    }

    private List<ConfigurationFile> kind() {
        return names().map(registry -> hostsToml(
                        "/etc/containerd/certs.d/" + folder(registry) + "/hosts.toml",
                        "nothing; in each node of kind, whose containerd must have config_path set to /etc/containerd/certs.d",
                        registry))
                .toList();
    }

    private ConfigurationFile hostsToml(String path, String restart, String registry) {
        return new ConfigurationFile(path, restart, """
                # Pulls from %s go to Entrepôt first, and to the registry itself if that does not answer.
                [host."%s"]
                  capabilities = ["pull", "resolve"]
                """.formatted(registry, address.url()));
    }

    // containerd looks for a port behind an underscore, because a colon is no good in the name of a folder.
    private static String folder(String registry) {
        int colon = registry.lastIndexOf(':');
        return colon < 0 ? registry : registry.substring(0, colon) + "_" + registry.substring(colon + 1) + "_";
    }

    private List<ConfigurationFile> registriesConf(String restart) {
        String text = registries.stream().map(this::registryOfConf).collect(Collectors.joining());
        return List.of(new ConfigurationFile(
                "/etc/containers/registries.conf.d/entrepot.conf",
                restart,
                "# These clients name no registry with their requests, so it is part of the mirror's path.\n" + text));
    }

    private String registryOfConf(Registry registry) {
        return registry.component()
                .map(component -> """

                        [[registry]]
                        prefix = "%1$s"
                        location = "%1$s"
                        [[registry.mirror]]
                        location = "%2$s/%3$s"
                        """.formatted(registry.name(), address.authority(), component)
                        + (address.plain() ? "insecure = true\n" : ""))
                .orElseGet(() -> "\n# " + leftOut(registry) + "\n");
    }

    /** What the files for a client leave out, and why, a sentence each. */
    List<String> leftOut(Client client) {
        return switch (client) {
            case CRIO, PODMAN ->
                registries.stream()
                        .filter(registry -> registry.component().isEmpty())
                        .map(ClientConfiguration::leftOut)
                        .toList();
            // These name it in a query, or in a URL, where a colon does no harm.
            case DOCKER, CONTAINERD, BUILDKIT, K3S, KIND -> List.of();
        };
    }

    private static String leftOut(Registry registry) {
        return registry.name() + " is left out: its name has a port, and no part of a path there may have a colon;"
                + " give the upstream a name for paths, as aliases: [NAME], and write this again";
    }

    private List<ConfigurationFile> buildkit() {
        String text = names().map(registry -> """
                        [registry."%1$s"]
                          mirrors = ["%2$s/%1$s"]

                        """.formatted(registry, address.authority()))
                .collect(Collectors.joining());
        return List.of(new ConfigurationFile(
                "/etc/buildkit/buildkitd.toml",
                "buildkitd (the BuildKit inside dockerd has dockerd's registry-mirrors)",
                text + (address.plain() ? "[registry.\"" + address.authority() + "\"]\n  http = true\n" : "")));
    }

    private List<ConfigurationFile> k3s() {
        String text =
                names().map(registry -> """
                        "%s":
                          endpoint: ["%s"]
                        """.formatted(registry, address.url())).collect(Collectors.joining());
        return List.of(new ConfigurationFile(
                "/etc/rancher/k3s/registries.yaml",
                "systemctl restart k3s (on agents k3s-agent)",
                "mirrors:\n" + text.indent(2)));
    }
}
