package dev.entrepot.bench;

/**
 * Where one repository of a registry is served on this machine.
 *
 * @param name who serves it, for the report
 * @param port TCP port on 127.0.0.1
 * @param tls whether it speaks TLS
 * @param repository path of the repository, {@code /v2/<name>}
 */
record Place(String name, int port, boolean tls, String repository) {
    /** Path of a blob. */
    String blob(String digest) {
        return repository + "/blobs/" + digest;
    }

    /** Path of a manifest. */
    String manifest(String reference) {
        return repository + "/manifests/" + reference;
    }

    /** Scheme, host and port. */
    String root() {
        return (tls ? "https" : "http") + "://127.0.0.1:" + port;
    }
}
