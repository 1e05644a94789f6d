package dev.entrepot.proxy.replication;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.config.ConfigLoader;
import dev.entrepot.config.ReplicationRuleConfig;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RuleFingerprintTest {
    @TempDir
    private Path folder;

    private String of(String map, String tags) throws Exception {
        Files.writeString(folder.resolve("entrepot.yaml"), """
                upstreams:
                  registry.test: {url: "http://registry.test"}
                replication:
                  rules:
                    - name: rule
                      source: registry.test
                      repositories: ["a/*", "b/*", "c/*"]
                      tags: %s
                      targets: [{url: "http://target.test", map: %s, credentials: {username: me, password: "hidden"}}]
                """.formatted(tags, map));
        ReplicationRuleConfig rule = ConfigLoader.load(Optional.empty(), folder, Map.of())
                .config()
                .replication()
                .rules()
                .getFirst();
        return RuleFingerprint.of(rule);
    }

    @Test
    void saysTheSameOfWhatIsMeantTheSame() throws Exception {
        String one = of("{a: x, b: y, c: z}", "[\"v*\"]");
        assertThat(of("{c: z, b: y, a: x}", "\n        - \"v*\"")).isEqualTo(one);
        assertThat(of("{a: x, b: y, c: z}", "[\"v1*\"]")).isNotEqualTo(one);
        assertThat(of("{a: x, b: y, c: w}", "[\"v*\"]")).isNotEqualTo(one);
    }

    @Test
    void saysOtherwiseWhereTheSameWordsMeanSomethingElse() throws Exception {
        assertThat(of("{a: y, b: x}", "[\"v*\"]")).isNotEqualTo(of("{a: x, b: y}", "[\"v*\"]"));
        assertThat(of("{a: x}", "{include: [\"*-rc\"], exclude: [\"v*\"]}"))
                .isNotEqualTo(of("{a: x}", "{include: [\"v*\"], exclude: [\"*-rc\"]}"));
    }
}
