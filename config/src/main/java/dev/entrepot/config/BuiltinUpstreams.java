package dev.entrepot.config;

import dev.entrepot.oci.RegistryHost;
import java.net.URI;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The upstreams that are there without any configuration. */
final class BuiltinUpstreams {
    /** Their names, Docker Hub first. */
    static final List<String> NAMES = List.of(
            "docker.io",
            "mcr.microsoft.com",
            "ghcr.io",
            "quay.io",
            "registry.k8s.io",
            "gcr.io",
            "public.ecr.aws",
            "nvcr.io");

    private BuiltinUpstreams() {}

    /** All of them, in that order. */
    static Map<RegistryHost, UpstreamConfig> all() {
        Map<RegistryHost, UpstreamConfig> upstreams = new LinkedHashMap<>();
        for (String name : NAMES) {
            RegistryHost host = new RegistryHost(name);
            upstreams.put(host, UpstreamConfig.of(host, defaultUrl(host)));
        }
        return upstreams;
    }

    /** Where a registry's API is if nothing else is said: at its own name, but for Docker Hub. */
    static URI defaultUrl(RegistryHost name) {
        return URI.create(name.isDockerHub() ? "https://registry-1.docker.io" : "https://" + name);
    }
}
