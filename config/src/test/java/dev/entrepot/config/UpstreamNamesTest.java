package dev.entrepot.config;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.RegistryHost;
import org.junit.jupiter.api.Test;

class UpstreamNamesTest {
    @Test
    void noUpstreamAtAllIsWarnedOf() throws ConfigException {
        EntrepotConfig config = Loading.config("{builtin-upstreams: false, default-upstream: none}\n");

        assertThat(UpstreamNames.warnings(config)).containsExactly(UpstreamNames.NONE);
    }

    @Test
    void whatElseDockerHubIsCalledIsWarnedOfAsTheNameOfAnUpstream() throws ConfigException {
        EntrepotConfig config = Loading.config("upstreams: {index.docker.io: {quota-reserve: 5}}");

        assertThat(UpstreamNames.warnings(config))
                .singleElement()
                .asString()
                .contains("upstreams[index.docker.io] is an upstream beside docker.io", "call it docker.io");
    }

    @Test
    void whatElseDockerHubIsCalledMeansItWhereAnUpstreamIsNamed() throws ConfigException {
        String uses = """
                default-upstream: index.docker.io
                replication:
                  rules:
                    - {name: all, source: registry-1.docker.io, repositories: [library/a], targets: [{url: "https://t.test"}]}
                tracing: {endpoint: "http://c.test", tell-upstreams: [Index.Docker.io]}
                """;

        EntrepotConfig config = Loading.config(uses);
        assertThat(config.defaultUpstream()).contains(RegistryHost.DOCKER_HUB);
        assertThat(config.replication().rules())
                .extracting(ReplicationRuleConfig::source)
                .containsOnly(RegistryHost.DOCKER_HUB);
        assertThat(config.tracing().orElseThrow().tell()).containsExactly(RegistryHost.DOCKER_HUB);

        EntrepotConfig own = Loading.config(uses + "upstreams: {INDEX.docker.io: {}, registry-1.docker.io: {}}\n");
        assertThat(own.defaultUpstream()).contains(RegistryHost.parse("index.docker.io"));
        assertThat(own.replication().rules())
                .extracting(ReplicationRuleConfig::source)
                .containsExactly(RegistryHost.parse("registry-1.docker.io"));
        assertThat(own.tracing().orElseThrow().tell()).containsExactly(RegistryHost.parse("index.docker.io"));
    }

    @Test
    void upstreamThatIsNotThereIsRefusedByTheNameThatIsWritten() {
        String file = """
                builtin-upstreams: false
                upstreams: {quay.io: {}}
                default-upstream: index.docker.io
                tracing: {endpoint: "http://c.test", tell-upstreams: [registry-1.docker.io, other.test]}
                """;

        assertThat(Loading.errors(file))
                .extracting(ConfigError::toString)
                .satisfiesExactly(
                        hub -> assertThat(hub)
                                .contains("default-upstream", "index.docker.io", "means docker.io, and there is no"),
                        api -> assertThat(api).contains("registry-1.docker.io", "means docker.io, and there is no"),
                        other -> assertThat(other).contains("other.test", "there is no upstream of that name"));
    }

    @Test
    void nameThatNoReferenceCanBeginWithIsWarnedOf() throws ConfigException {
        EntrepotConfig config = Loading.config("""
                upstreams:
                  mirror: {url: "http://127.0.0.1:5000"}
                  localhost: {url: "http://127.0.0.1:5001"}
                  registry.test: {url: "http://127.0.0.1:5002"}
                """);

        assertThat(UpstreamNames.warnings(config))
                .singleElement()
                .asString()
                .contains("upstreams[mirror]", "mirror/NAME:TAG", "call it mirror.internal");
    }
}
