package dev.entrepot.config;

import dev.entrepot.oci.RegistryHost;
import java.util.Optional;
import tools.jackson.databind.node.ObjectNode;

/**
 * The name of an upstream that must be there. It is remembered, to be looked up when all upstreams are known. Keys with
 * such names stand behind the upstreams, so that it is known here whether one is called {@code index.docker.io}.
 */
record UpstreamName() implements ValueType<RegistryHost> {
    @Override
    public Optional<RegistryHost> read(ConfigNode node) {
        Optional<RegistryHost> written = Types.HOST.read(node);
        written.ifPresent(name -> node.reading().upstreamNamed(node.path(), name));
        return written.map(node.reading()::upstreamMeant);
    }

    @Override
    public Printed print(RegistryHost value) {
        return Types.HOST.print(value);
    }

    @Override
    public ObjectNode schema() {
        return Types.HOST.schema();
    }

    @Override
    public String describe() {
        return "name of an upstream";
    }
}
