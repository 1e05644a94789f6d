package dev.entrepot.config;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class RegistriesInNamesTest {
    @Test
    void patternsThatBeginWithAnUpstreamAreNamedWithWhatToWrite() {
        EntrepotConfig config = Loading.config("""
                upstreams:
                  docker.io: {aliases: [hub], rules: [{repositories: ["docker.io/library/*", "library/*"], deny: "no"}]}
                  intern: {url: "http://127.0.0.1:1", rules: [{repositories: ["hub/alpine", "a.group/x"], deny: "no"}]}
                rules:
                  - {repositories: ["team/*", "*.io/x", "**/docker.io", {regex: "docker.io/.*"}], deny: "no"}
                  - {repositories: ["docker.io/**", "other.example/x/**", "index.docker.io/alpine", "intern/team/app", "docker.io"], deny: "no"}
                """);
        String matches = " matches only repositories that are called so at their upstream, as at a mirror of others;"
                + " rules name repositories without the registry: for ";

        assertThat(RegistriesInNames.warnings(config))
                .containsExactly(
                        "upstreams[docker.io].rules[0]: docker.io/library/*" + matches
                                + "docker.io write library/* in upstreams[docker.io].rules",
                        "upstreams[intern].rules[0]: hub/alpine" + matches
                                + "docker.io write library/alpine in upstreams[docker.io].rules",
                        "rules[1]: docker.io/**" + matches + "docker.io write ** in upstreams[docker.io].rules",
                        "rules[1]: index.docker.io/alpine" + matches
                                + "docker.io write library/alpine in upstreams[docker.io].rules",
                        "rules[1]: intern/team/app" + matches + "intern write team/app in upstreams[intern].rules");
    }

    @Test
    void theUsualConfigurationHasNone() {
        assertThat(RegistriesInNames.warnings(Loading.config("{}"))).isEmpty();
    }
}
