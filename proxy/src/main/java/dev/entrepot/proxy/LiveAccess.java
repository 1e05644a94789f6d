package dev.entrepot.proxy;

import dev.entrepot.config.AccessRuleConfig;
import dev.entrepot.config.AuthenticationConfig;
import dev.entrepot.config.EntrepotConfig;
import dev.entrepot.config.ListenAddress;
import dev.entrepot.config.ServerConfig;
import dev.entrepot.config.TlsConfig;
import dev.entrepot.proxy.access.AnonymousPulls;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Puts the rules of access of a configuration that was read again into effect. Such rules are written for the clients
 * that the same file lets in: where it says other things than this server was started with of who can reach it and how
 * clients say who they are, all of which waits for a restart, the former rules stay until then. Else a file that adds
 * passwords and drops rules would open a server that has neither. Safe for all threads.
 */
final class LiveAccess {
    private static final Logger LOG = LoggerFactory.getLogger(LiveAccess.class);

    private final Clients started;
    private final Consumer<List<AccessRuleConfig>> gate;
    private List<AccessRuleConfig> inEffect;
    private volatile AnonymousPulls anonymous;
    private volatile Optional<String> heldBack = Optional.empty();

    /** What rules of access rest on. */
    private record Clients(
            ListenAddress listen, boolean anonymous, Optional<TlsConfig> tls, AuthenticationConfig authentication) {
        static Clients of(ServerConfig server) {
            return new Clients(server.listen(), server.anonymous(), server.tls(), server.authentication());
        }
    }

    /**
     * Begins with the rules that the server was started with.
     *
     * @param places the file and line of a path of the configuration, if they are known
     * @param gate where rules are put into effect
     */
    LiveAccess(
            EntrepotConfig started, Function<String, Optional<String>> places, Consumer<List<AccessRuleConfig>> gate) {
        this.started = Clients.of(started.server());
        this.gate = gate;
        this.inEffect = started.access();
        this.anonymous = new AnonymousPulls(started.server(), inEffect, places);
    }

    /** What the rules in effect make of clients that do not say who they are. */
    AnonymousPulls anonymous() {
        return anonymous;
    }

    /**
     * Puts rules into effect that were read with the configuration of a server, or says in the log why the former ones
     * stay.
     *
     * @param places the file and line of a path of that configuration, if they are known
     */
    synchronized void apply(
            List<AccessRuleConfig> access, ServerConfig server, Function<String, Optional<String>> places) {
        if (started.equals(Clients.of(server))) {
            AnonymousPulls next = new AnonymousPulls(server, access, places);
            // First, so that what cannot be put into effect is not said to be.
            gate.accept(access);
            inEffect = access;
            anonymous = next;
            heldBack = Optional.empty();
        } else if (access.equals(inEffect)) {
            heldBack = Optional.empty();
        } else {
            heldBack = Optional.of(
                    "access has changed together with listen, anonymous, tls or authentication of server: the"
                            + " former rules of access stay in effect until a restart");
            LOG.warn("{}", heldBack.get());
        }
    }

    /** That rules of access wait for a restart, if they do. */
    Optional<String> heldBack() {
        return heldBack;
    }
}
