package dev.entrepot.oci.client.cloud;

import dev.entrepot.oci.OciJson;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.node.ObjectNode;

/**
 * A file of credentials of Google, of a type that its library takes and that leads nowhere past this program's own HTTP
 * client. What is wrong with it is said here, without showing anything of it.
 *
 * @param path where it is
 * @param content what is in it, relative paths made absolute
 */
record GoogleFile(Path path, ObjectNode content) {
    /** Set to 1 by who wants programs to be run that a file of credentials names. */
    static final String EXECUTABLES = "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES";

    private static final Map<String, List<String>> NEEDED = Map.of(
            "service_account", List.of("client_email", "client_id", "private_key_id", "private_key"),
            "authorized_user", List.of("client_id", "client_secret", "refresh_token"),
            "external_account", List.of("audience", "subject_token_type"),
            "external_account_authorized_user", List.of("client_id", "client_secret", "refresh_token", "token_url"),
            "impersonated_service_account", List.of("service_account_impersonation_url"));

    /**
     * Reads a file.
     *
     * @param variables which say whether programs may be run
     * @throws IOException if it is no such file
     */
    static GoogleFile read(Path path, Map<String, String> variables) throws IOException {
        GoogleFile file = new GoogleFile(path, json(path));
        List<String> needed = NEEDED.get(file.type());
        if (needed == null) {
            throw new IOException(path + " holds no Google credentials of type service_account, authorized_user,"
                    + " external_account, external_account_authorized_user or impersonated_service_account");
        }
        for (String property : needed) {
            if (Answers.text(file.content, property).isEmpty()) {
                throw new IOException(path + " has no " + property);
            }
        }
        if (file.type().equals("external_account")) {
            file.checkSource(variables);
        }
        return file;
    }

    private static ObjectNode json(Path path) throws IOException {
        try {
            if (OciJson.mapper().readTree(Answers.file(path)) instanceof ObjectNode object) {
                return object;
            }
        } catch (JacksonException e) {
            // The cause could quote the file.
            throw new IOException(path + " is not valid JSON");
        }
        throw new IOException(path + " is no JSON object");
    }

    private void checkSource(Map<String, String> variables) throws IOException {
        if (!(content.path("credential_source") instanceof ObjectNode source)) {
            throw new IOException(path + " has no credential_source");
        }
        if (source.has("certificate")) {
            throw new IOException(path + " has a credential_source of certificates, which is not supported here");
        }
        if (source.has("executable") && !"1".equals(variables.get(EXECUTABLES))) {
            throw new IOException(path + " names a program, which is run only where " + EXECUTABLES + " is 1");
        }
        Optional<String> token = Answers.text(source, "file");
        token.ifPresent(name -> source.put("file", path.resolveSibling(name).toString()));
    }

    private String type() {
        return Answers.text(content, "type").orElse("");
    }

    /** That the library can do nothing with it, and the likely reason. */
    IOException unusable() {
        return new IOException(path
                + switch (type()) {
                    case "service_account" ->
                        " has a private_key that is no RSA key in PKCS#8, or a token_uri that is no URL";
                    case "external_account" ->
                        " cannot be used: its URLs must be https, and its credential_source a file, a url, aws"
                                + " or an executable that holds what it says";
                    default -> " cannot be used: Google's library refuses what is in it";
                });
    }
}
