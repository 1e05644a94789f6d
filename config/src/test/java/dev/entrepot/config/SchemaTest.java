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
                "builtin-upstreams: \"yes\"",
                "rules: [{deny: true}]",
                "rules: [{deny: x, priority: \"low\"}]",
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
                "server: {anonymous: \"true\", max-connections: \"7\", admin-access: {read-token: 007}}",
                "cache: {directory: 5, min-free: 1.5}",
                "rules: [{repositories: [1, 1.5], deny: 404, priority: \"-5\"}, {tags: [1.27, 3, true], deny: x}]",
                "rules: [{tags: {exclude: [1.0], semver: 1.2}, deny: x}]",
                "upstreams: {a.test: {credentials: {username: 7, password: 007}}}",
                "access: [{anonymous: true}, {users: [1, true], anonymous: true}]",
                "replication: {rules: [{name: 123, source: docker.io, repositories: [x], targets: [{layout: 5, prefix: 6}]}]}",
                "replication: {rules: [{name: 1.5, source: docker.io, repositories: [x], targets: [{layout: a}]}]}",
            })
    void takesWhatTheLoaderTakes(String yaml) {
        assertThat(SchemaCheck.violations(yaml)).isEmpty();
        assertThat(Loading.config(yaml)).isNotNull();
    }
}
