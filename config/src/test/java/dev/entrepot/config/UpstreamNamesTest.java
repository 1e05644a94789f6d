package dev.entrepot.config;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class UpstreamNamesTest {
    @Test
    void noUpstreamAtAllIsWarnedOf() throws ConfigException {
        EntrepotConfig config = Loading.config("{builtin-upstreams: false, default-upstream: none}\n");

        assertThat(UpstreamNames.warnings(config)).containsExactly(UpstreamNames.NONE);
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
