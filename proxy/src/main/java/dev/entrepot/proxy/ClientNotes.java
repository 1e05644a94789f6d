package dev.entrepot.proxy;

import dev.entrepot.config.ServerConfig;
import dev.entrepot.proxy.ClientConfiguration.Client;
import java.util.ArrayList;
import java.util.List;

/**
 * What the files of {@link ClientConfiguration} leave open, because only who installs them has it: the authority of the
 * server's certificate, a password, an address that other machines reach. Without these most clients go past the
 * mirror, or fail, and say little of why.
 */
final class ClientNotes {
    private final Client client;
    private final MirrorAddress address;

    private ClientNotes(Client client, MirrorAddress address) {
        this.client = client;
        this.address = address;
    }

    /**
     * The notes for one kind of client.
     *
     * @param address how the client reaches the server
     * @param given whether somebody gave that address, rather than that it is where the server listens
     * @return sentences, none if there is nothing to say
     */
    static List<String> of(Client client, MirrorAddress address, boolean given, ServerConfig server) {
        ClientNotes notes = new ClientNotes(client, address);
        List<String> all = new ArrayList<>();
        if (!given && !server.listen().isLoopback() && address.isLoopback()) {
            all.add(address.authority()
                    + " is this machine alone, and the server listens for others, too (server.listen: "
                    + server.listen() + "): for clients there say with --address how they reach it");
        }
        if (given && server.listen().isLoopback() && !address.isLoopback()) {
            all.add("the server listens on " + server.listen()
                    + ", for this machine alone: unless something before it passes requests on, set server.listen");
        }
        if (server.tls().isPresent() && address.plain()) {
            all.add("this server speaks TLS (server.tls): unless something before it does not, the address begins with"
                    + " https://");
        }
        if (!address.plain()) {
            all.add("unless the client trusts the authority of the server's certificate already: " + notes.authority());
        }
        if (server.authentication().isConfigured()) {
            all.add("server.authentication wants to know who pulls: " + notes.login());
        }
        return all;
    }

    private String authority() {
        String host = address.authority();
        return switch (client) {
            case DOCKER -> "its certificate to /etc/docker/certs.d/" + host + "/ca.crt";
            case CONTAINERD, KIND ->
                "ca = \"/path/to/ca.crt\" below capabilities in each hosts.toml; where it is missing, pulls go past the"
                        + " mirror and nobody says so";
            case CRIO, PODMAN -> "its certificate to /etc/containers/certs.d/" + host + "/ca.crt";
            case BUILDKIT -> "[registry.\"" + host + "\"] with ca = [\"/path/to/ca.crt\"]";
            case K3S -> "configs: {\"" + host + "\": {tls: {ca_file: /path/to/ca.crt}}}";
        };
    }

    private String login() {
        String host = address.authority();
        return switch (client) {
            case DOCKER ->
                "the daemon has no password for a mirror, so what it is to pull needs a rule of access with anonymous:"
                        + " true; for the rest docker login " + host + ", and pull by that name";
            case CONTAINERD, KIND ->
                "[host.\"" + address.url()
                        + "\".header] with authorization = \"Basic BASE64\" at the end of each hosts.toml, of user:password,"
                        + " and chmod 600; where it is missing, pulls go past the mirror and nobody says so";
            case CRIO -> "a password for " + host + " in the file that global_auth_file of crio.conf names";
            case PODMAN -> "podman login " + host;
            case BUILDKIT ->
                "docker login " + host + " where buildctl or docker buildx is called, which bring the password";
            case K3S -> "configs: {\"" + host + "\": {auth: {username: USER, password: PASSWORD}}}, and chmod 600";
        };
    }
}
