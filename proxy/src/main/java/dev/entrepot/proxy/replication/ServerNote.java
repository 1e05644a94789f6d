package dev.entrepot.proxy.replication;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.OciJson;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A note that a server leaves in its data folder while it has it open, so that commands on the same folder find it. A
 * killed server leaves it behind; then nobody answers to it, or somebody else does, whose instance differs.
 *
 * @param url where the admin API is
 * @param instance a text that no other server has
 * @param token what a command shows that has read the note
 * @param registry where the pull API is; servers of earlier versions do not say
 * @param certificate the fingerprint of the certificate that the admin API shows; empty where it is plain HTTP
 */
public record ServerNote(URI url, String instance, String token, Optional<URI> registry, Optional<Digest> certificate) {
    private static final String FILE = "server.json";
    private static final int MAX_BYTES = 4096;

    /** Without the token. */
    @Override
    public String toString() {
        return "ServerNote[" + url + "]";
    }

    /** Leaves the note in a folder, where nobody but the owner may read it. */
    public void write(Path directory) throws IOException {
        ObjectNode json = OciJson.mapper().createObjectNode();
        json.put("admin", url.toString());
        json.put("instance", instance);
        json.put("token", token);
        registry.ifPresent(place -> json.put("registry", place.toString()));
        certificate.ifPresent(fingerprint -> json.put("certificate", fingerprint.toString()));
        Path aside = directory.resolve(FILE + ".tmp");
        Files.deleteIfExists(aside);
        create(aside);
        Files.write(aside, json.toString().getBytes(StandardCharsets.UTF_8));
        Files.move(aside, directory.resolve(FILE), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    private static void create(Path file) throws IOException {
        if (file.getFileSystem().supportedFileAttributeViews().contains("posix")) {
            Files.createFile(file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        } else {
            Files.createFile(file);
        }
    }

    /** Takes the note away, unless another server has left its own in the meantime. */
    public void remove(Path directory) throws IOException {
        if (read(directory).filter(left -> left.instance().equals(instance)).isPresent()) {
            Files.deleteIfExists(directory.resolve(FILE));
        }
    }

    /** The note in a folder; empty if there is none that can be read. */
    static Optional<ServerNote> read(Path directory) {
        Path file = directory.resolve(FILE);
        try (var in = Files.newInputStream(file)) {
            JsonNode json = OciJson.mapper().readTree(in.readNBytes(MAX_BYTES));
            URI url = URI.create(json.path("admin").asString(""));
            String instance = json.path("instance").asString("");
            return url.getHost() == null || instance.isEmpty()
                    ? Optional.empty()
                    : Optional.of(new ServerNote(
                            url,
                            instance,
                            json.path("token").asString(""),
                            json.path("registry").stringValueOpt().map(URI::create),
                            json.path("certificate").stringValueOpt().map(Digest::parse)));
        } catch (IOException | JacksonException | IllegalArgumentException e) {
            return Optional.empty();
        }
    }
}
