package dev.entrepot.config;

import dev.entrepot.oci.RegistryHost;
import java.util.List;
import java.util.Map;

/**
 * What cannot be together with the pass-through of clients' credentials: a server that wants credentials of its own in
 * the same header, and rules that read without a client.
 */
final class PassThroughChecks {
    private final Map<RegistryHost, UpstreamConfig> upstreams;
    private final ServerConfig server;
    private final List<ReplicationRuleConfig> rules;
    private final Reading reading;

    PassThroughChecks(
            Map<RegistryHost, UpstreamConfig> upstreams,
            ServerConfig server,
            List<ReplicationRuleConfig> rules,
            Reading reading) {
        this.upstreams = upstreams;
        this.server = server;
        this.rules = rules;
        this.reading = reading;
    }

    /** Records every contradiction. */
    void check() {
        for (UpstreamConfig upstream : upstreams.values()) {
            if (upstream.passThrough().isPresent() && server.authentication().isConfigured()) {
                reading.conflict(
                        reading.pathOf(upstream) + ".pass-through",
                        "a client shows its credentials either to this server (server.authentication) or to the registry"
                                + " behind it, not to both in one header; leave one of them out, or let clients say who"
                                + " they are by a certificate (server.tls.client-ca)");
            }
        }
        for (ReplicationRuleConfig rule : rules) {
            UpstreamConfig source = upstreams.get(rule.source());
            if (source != null && source.passThrough().isPresent()) {
                reading.conflict(
                        reading.pathOf(rule) + ".source",
                        rule.source() + " passes clients' credentials through, and a rule has none; give the same"
                                + " registry another name under upstreams, with credentials and the same url, and deny it to clients by access");
            }
        }
    }
}
