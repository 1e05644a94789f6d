package dev.entrepot.config;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SchemaTest {
    @ParameterizedTest
    @ValueSource(
            strings = {
                "server: {listen: 5000}",
                "server: {lisen: \":1\"}",
                "server: {max-connections: 0}",
                "server: {access-log: loud}",
                "server: {tls: {certificate: x}}",
                "cache: {capacity: 50 gigabytes}",
                "cache: {fresh-for: 5 minutes}",
                "cache: {fresh-for: 1m1h}",
                "cache: {fresh-for: 0}",
                "builtin-upstreams: maybe",
                "upstreams: {a.test: {url: a.test}}",
                "upstreams: {a.test: {url: \"https://user@a.test\"}}",
                "upstreams: [a.test]",
                "replication: {rules: [{name: a}]}",
                "replication: {rules: [{name: a, source: b, repositories: [], targets: [{url: \"http://t\"}]}]}",
            })
    void refusesWhatTheLoaderRefuses(String yaml) {
        assertThat(SchemaCheck.violations(yaml)).isNotEmpty();
        assertThat(Loading.errors(yaml)).isNotEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "server:",
                "server: {listen: \"${env:PATH:-:1}\", anonymous: true}",
                "server: {max-connections: \"${env:ENTREPOT_NOT_SET:-7}\"}",
                "cache: {capacity: 512}",
                "cache: {capacity: 1.5 GB, fresh-for: 0s, stale-for: 1d2h3m4s5ms}",
                "upstreams: {a.test: {url: \"HTTP://[::1]:80/\"}}",
                "upstreams: {a.test: , b.test: {hosts: }}",
                "replication: {rules: }",
            })
    void takesWhatTheLoaderTakes(String yaml) {
        assertThat(SchemaCheck.violations(yaml)).isEmpty();
        assertThat(Loading.config(yaml)).isNotNull();
    }
}
