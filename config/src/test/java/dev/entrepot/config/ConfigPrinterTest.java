package dev.entrepot.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ConfigPrinterTest {
    @Test
    void showsEachValueWithItsOrigin() {
        String printed = ConfigPrinter.print(Loading.load("""
                server:
                  listen: ":80"
                  anonymous: true
                upstreams:
                  "[::1]:5000":
                    hosts: [a.test]
                """, Path.of(""), Map.of()));

        assertThat(printed).startsWith("""
                        server:
                          listen: ":80"  # test.yaml:2
                          anonymous: true  # test.yaml:3
                          admin: 127.0.0.1:5001  # default
                          admin-access:
                            anonymous: false  # default
                            client-certificates: optional  # default
                          drain: 30s  # default
                        """).contains("""
                        default-upstream: docker.io  # default
                        builtin-upstreams: true  # default
                        upstreams:
                          docker.io:
                            url: https://registry-1.docker.io  # default
                            max-concurrent-requests: 32  # default
                        """).contains("""
                          "[::1]:5000":
                            url: "https://[::1]:5000"  # default
                            hosts:
                              - a.test  # test.yaml:6
                            max-concurrent-requests: 32  # default
                        """).doesNotContain("replication");
    }

    @Test
    void whatIsPrintedOfTheDefaultsLoadsAsTheDefaults() throws ConfigException {
        String printed = ConfigPrinter.print(
                new LoadedConfig(EntrepotConfig.defaults(), Optional.empty(), Map.of(), Optional.empty()));

        assertThat(Loading.config(printed)).isEqualTo(EntrepotConfig.defaults());
    }

    @Test
    void withoutTheBuiltInUpstreamsThePrintedFileHasThemNotEither() {
        LoadedConfig loaded = Loading.load("builtin-upstreams: false\nupstreams: {a.test: {}}\n");

        assertThat(Loading.config(ConfigPrinter.print(loaded))).isEqualTo(loaded.config());
    }

    @Test
    void patternsAndSchedulesArePrintedInTheirShortestForm() {
        String rule = """
                replication:
                  rules:
                    - name: a
                      source: quay.io
                      repositories:
                        - x/*
                        - regex: y+
                      tags: [v1]
                      targets: [{url: "https://t.test", map: {x: z}}]
                      schedule: every 90s
                """;
        LoadedConfig loaded = Loading.load(rule);
        String printed = ConfigPrinter.print(loaded);

        assertThat(printed).contains("""
                            - name: a  # test.yaml:3
                              source: quay.io  # test.yaml:4
                              repositories:
                                - "x/*"  # test.yaml:6
                                - regex: "y+"  # test.yaml:7
                              tags:
                                - v1  # test.yaml:8
                              targets:
                                - url: https://t.test  # test.yaml:9
                                  map:
                                    x: z  # test.yaml:9
                        """).contains("      schedule: every 1m30s  # test.yaml:10\n");
        assertThat(Loading.config(printed)).isEqualTo(loaded.config());
    }
}
